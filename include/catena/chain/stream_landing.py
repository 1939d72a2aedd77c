"""Landing of streams: every record of a log is kept as it came, each once, however often a run is killed.

Where a log is read next stands in the table itself, in the same commit as the records: the broker is never asked how
far somebody had read. What the records become belongs in `catena.chain.stream_merge`.
"""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from catena.declaration import Calendar, Stream, UseCase
from catena.lake import CommitConflict, EventTable, Position, arrow_schema
from catena.partitions import DAY, day_key
from catena.run import Run
from catena.streams.codec import Codec, DeadLetter
from catena.streams.connect import open_codec, open_log
from catena.streams.errors import RecordsMissing
from catena.streams.event import Event
from catena.streams.port import Batch, EventLog, Record
from catena.workspace import Workspace

# How long a broker may take to hand out a record that it says it has, seconds.
_PATIENCE = 10.0
_ATTEMPTS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# One form for one meaning, so that copies of an event are known as such whatever their producer's spelling.
_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


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
        first: int | None = None
        lost = 0
        while lost < _ATTEMPTS:
            # After a lost race too: whoever won has moved the position, and nothing that was read before still counts.
            position = self._table.positions([source])[source]
            start = self._start(partition, position, limits)
            first = start if first is None else first
            if limits.most is not None:
                end = min(end, first + limits.most)
            if start >= end:
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

    def _start(self, partition: int, position: Position, limits: Limits) -> int:
        if position.next_offset is not None:
            return position.next_offset
        if limits.start_at is not None:
            return self._log.offset_for_time(partition, limits.start_at)
        return self._log.begin_offset(partition)

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


@dataclass(frozen=True)
class Decoder:
    """What turns records into rows."""

    codec: Codec
    stream: Stream
    calendar: Calendar

    def day_of(self, event: Event) -> str | None:
        """Return the day to which an event belongs, None where it names none within the calendar."""
        day = event.data.get(self.stream.day)
        if not isinstance(day, str) or not DAY.fullmatch(day) or not self.calendar.holds(day):
            return None
        return day


def rows_of(
    batch: Batch, source: str, decoder: Decoder, schema: pa.Schema, watermark: int | None
) -> tuple[pa.Table, int | None]:
    """Return the rows of a batch, in the order of offsets, and the watermark after it.

    Whether an event is late depends on the records before it in its log partition alone, not on how they were cut into
    batches: so two runs over one log agree.

    Args:
        batch: what was read.
        source: name of the log partition.
        decoder: what turns records into rows.
        schema: of the events table.
        watermark: latest time of becoming known before the batch, microseconds since 1970.
    """
    decoded = decoder.codec.decode(batch.records)
    events = {record.offset: event for record, event in decoded.events}
    letters = {letter.offset: letter for letter in decoded.dead_letters}
    allowed = int(decoder.stream.allowed_lateness_hours * 3_600_000_000)
    told: list[_Told] = []
    dead: list[dict[str, Any]] = []
    for record in batch.records:
        event = events.get(record.offset)
        day = None if event is None else decoder.day_of(event)
        if event is None or day is None:
            dead.append(_dead(record, letters.get(record.offset), decoder))
            continue
        known = _microseconds(event.known_at)
        is_late = watermark is not None and known < watermark - allowed
        watermark = known if watermark is None else max(watermark, known)
        told.append(_Told(record, event, day, "late" if is_late else "on_time", known))
    common = {"log": source.rpartition(":")[0], "landed_at": datetime.now(UTC)}
    rows = _rows_of_events(told, common, schema)
    if dead:
        broken = pa.Table.from_pylist([row | common for row in dead], schema=schema)
        rows = pa.concat_tables([rows, broken]).sort_by("log_offset")
    return rows, watermark


class _Told(NamedTuple):
    """An event on its way into the table."""

    record: Record
    event: Event
    day: str
    standing: str
    known_at: int


def _rows_of_events(told: Sequence[_Told], common: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Return the rows of events, built by column: by row it would take three times as long."""
    columns: dict[str, Sequence[Any]] = {
        "partition": [each.day for each in told],
        "log_partition": [each.record.partition for each in told],
        "log_offset": [each.record.offset for each in told],
        "standing": [each.standing for each in told],
        "event_id": [each.event.event_id for each in told],
        "type": [each.event.type for each in told],
        "key": [each.event.key for each in told],
        "data": [_WRITER.encode(each.event.data) for each in told],
        "schema_version": [each.event.schema_version for each in told],
        "event_time": [_microseconds(each.event.event_time) for each in told],
        "known_at": [each.known_at for each in told],
        "stored_at": [_microseconds(each.record.stored_at) for each in told],
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(common.get(field.name), field.type), len(told))
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _dead(record: Record, letter: DeadLetter | None, decoder: Decoder) -> dict[str, Any]:
    rule = "day" if letter is None else letter.rule
    reason = (
        f"data.{decoder.stream.day} names no day from {decoder.calendar.first} to {decoder.calendar.last or 'today'}"
        if letter is None
        else letter.reason
    )
    return {
        "partition": day_key(record.stored_at.date()), "log_partition": record.partition, "log_offset": record.offset,
        "stored_at": record.stored_at, "standing": "dead", "key": record.key, "fault": rule, "reason": reason,
        "raw": record.value.decode("ascii", errors="backslashreplace").replace("\x00", "\\x00"),
    }  # fmt: skip


def _microseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
