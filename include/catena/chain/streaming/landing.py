"""Landing of streams: every record of a log is kept as it came, each once, however often a run is killed.

Where a log is read next stands in the table itself, in the same commit as the records: the broker is never asked how
far somebody had read. What the records become belongs in `catena.chain.streaming.merge`.
"""

from __future__ import annotations

import gc
import logging
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from catena.chain.streaming.rows import Decoder, rows_of
from catena.declaration import Stream, UseCase
from catena.lake import CommitConflict, EventTable, Position, arrow_schema
from catena.run import Run
from catena.streams.connect import open_codec, open_log
from catena.streams.errors import OffsetAhead, RecordsMissing
from catena.streams.port import EventLog
from catena.workspace import Workspace

# How long a broker may take to hand out a record that it says it has, seconds.
_PATIENCE = 10.0
_ATTEMPTS = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How much a run reads.

    Attributes:
        batch: records of one commit.
        most: records of one log partition in one run; None reads up to the end that the log had when the run began.
        start_at: where a log partition is read first that was never read before; None begins at its oldest record.
    """

    batch: int = 10_000
    most: int | None = None
    start_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.start_at is not None and self.start_at.tzinfo is None:
            raise NoZone(self.start_at.isoformat())


class NoZone(ValueError):
    """A time to start at names no zone, so that nobody can say which instant is meant."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the start {text} names no zone: write {text}Z for UTC, or its offset, as in {text}-05:00")


@dataclass(frozen=True)
class Landed:
    """What a run took from a stream."""

    records: int = 0
    late: int = 0
    dead: int = 0
    commits: int = 0
    conflicts: int = 0
    longest_wait_s: float = 0.0
    """From the storage of a record at the broker to the commit that holds it."""

    def with_batch(self, rows: pa.Table, at: datetime) -> Landed:
        """Return the sum with one committed batch."""
        counts = {item["values"]: item["counts"] for item in rows["standing"].value_counts().to_pylist()}
        oldest = pc.min(rows["stored_at"]).as_py() or at
        return replace(
            self,
            records=self.records + rows.num_rows,
            late=self.late + counts.get("late", 0),
            dead=self.dead + counts.get("dead", 0),
            commits=self.commits + 1,
            longest_wait_s=max(self.longest_wait_s, (at - oldest).total_seconds()),
        )


def source_of(log: EventLog, partition: int) -> str:
    """Return the name under which the table keeps the position of a log's partition."""
    return f"{log.name}@{log.incarnation(partition)}:{partition}"


def land_stream(workspace: Workspace, usecase: UseCase, stream: Stream, run: Run, limits: Limits) -> Landed:
    """Append what came since the last run, up to the end that each log partition has when its turn comes.

    Raises:
        CommitConflict: other writers won every attempt.
        OffsetGone: the broker no longer holds what comes next; `catena stream resume` accepts the gap.
        OffsetAhead: the log ends before what was read already.
        BrokerUnreachable: it does not answer; what was committed stands.
        RegistryUnreachable: the schema registry does not; what was committed stands.
    """
    landed = Landed()
    with closing(open_log(workspace.settings, usecase.name, stream)) as log:
        landing = _Landing(workspace, usecase, stream, log, run)
        for partition in range(log.partitions):
            landed = landing.drain(partition, limits, landed)
    return landed


class _Landing:
    """One run over one open log."""

    def __init__(self, workspace: Workspace, usecase: UseCase, stream: Stream, log: EventLog, run: Run) -> None:
        lake = workspace.lake(usecase)
        self._table = EventTable(lake, stream.table)
        self._schema = arrow_schema(lake.tables[stream.table])
        self._codec = open_codec(workspace.settings, usecase, stream)
        self._stream = stream
        self._calendar = usecase.calendar
        self._log = log
        self._run = run

    def drain(self, partition: int, limits: Limits, landed: Landed) -> Landed:
        """Return the sum with all batches of a log partition."""
        source = source_of(self._log, partition)
        end = self._log.end_offset(partition)
        self._settle_start(partition, source, limits.start_at)
        first: int | None = None
        lost = 0
        while lost < _ATTEMPTS:
            # After a lost race too: whoever won has moved the position, and nothing that was read before still counts.
            position = self._table.positions([source])[source]
            start = self._log.begin_offset(partition) if position.next_offset is None else position.next_offset
            first = start if first is None else first
            if limits.most is not None:
                end = min(end, first + limits.most)
            if start >= end:
                self._check_end(partition, start)
                return landed
            with _no_collector():
                batch = self._log.read(partition, start, min(limits.batch, end - start), _PATIENCE)
                if batch.next_offset <= start:
                    raise RecordsMissing(self._log.name, partition, start, end)
                rows, watermark = rows_of(batch, source, self._decoder(), self._schema, position.watermark)
            moved = Position(batch.next_offset, watermark)
            if self._table.append(rows, self._run, source, position.next_offset, moved):
                landed, lost = landed.with_batch(rows, datetime.now(UTC)), 0
            else:
                landed, lost = replace(landed, conflicts=landed.conflicts + 1), lost + 1
                time.sleep(random.uniform(0.02, 0.1) * lost)  # noqa: S311 - no secret hangs on it
        raise CommitConflict(f"table {self._stream.table}, {source}: {_ATTEMPTS} attempts to commit failed")

    def _settle_start(self, partition: int, source: str, start_at: datetime | None) -> None:
        """Let a log that was never read begin at a time, in a commit of its own: later runs go on from there."""
        if start_at is None:
            return
        known = self._table.positions([source])[source].next_offset
        if known is None:
            at = self._log.offset_for_time(partition, start_at)
            said = f"records before {start_at.astimezone(UTC).isoformat()} were not asked for"
            if self._table.skip(self._run, source, None, at, said):
                left_out = at - self._log.begin_offset(partition)
                log.warning("%s is read from offset %d on: %s; it holds %d of them", source, at, said, left_out)
                return
            known = self._table.positions([source])[source].next_offset
        log.warning(
            "%s: the start %s holds only for a log that was never read. This one is read up to offset %s, each record "
            "stands in %s once, and it goes on from there",
            source, start_at.astimezone(UTC).isoformat(), known, self._stream.table,
        )  # fmt: skip

    def _check_end(self, partition: int, start: int) -> None:
        """Refuse a log that lost what was read from it: what it stores next would be taken for read already."""
        # Asked anew: another run may have read on beyond the end that was seen at first.
        if start > (end := self._log.end_offset(partition)):
            raise OffsetAhead(self._log.name, partition, start, end)

    def _decoder(self) -> Decoder:
        return Decoder(self._codec, self._stream, self._calendar)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Let Python not look for cycles among the records of a batch: there are none, and looking costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
