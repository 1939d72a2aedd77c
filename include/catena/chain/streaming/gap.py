"""Gaps in a log: records that the broker removed before they were read, and the decision to go on without them.

What they would have told is in the daily files; loading those belongs in `catena.chain.ingesting.ingest`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from catena.chain.streaming.landing import source_of
from catena.declaration import Stream, UseCase
from catena.lake import CommitConflict, EventTable
from catena.run import Run
from catena.streams.connect import open_log
from catena.workspace import Workspace


class NoGap(ValueError):
    """The broker still holds whatever the table does not."""


@dataclass(frozen=True)
class Gap:
    """Offsets of a partition of a log that nobody can read any more.

    Attributes:
        log: name and incarnation of the log.
        partition: of the log.
        from_offset: the first that is missing.
        to_offset: the oldest that the log still holds.
        count: how many are missing.
    """

    log: str
    partition: int
    from_offset: int
    to_offset: int
    count: int

    @property
    def source(self) -> str:
        """Name under which the table keeps the position."""
        return f"{self.log}:{self.partition}"


def gaps_of(workspace: Workspace, usecase: UseCase, stream: Stream) -> list[Gap]:
    """Return the gaps between a stream's table and its log.

    Raises:
        StreamError: the broker does not answer.
    """
    found: list[Gap] = []
    table = EventTable(workspace.lake(usecase), stream.table)
    with closing(open_log(workspace.settings, usecase.name, stream)) as log:
        for partition in range(log.partitions):
            source = source_of(log, partition)
            stands, begin = table.positions([source])[source].next_offset, log.begin_offset(partition)
            if stands is not None and stands < begin:
                found.append(Gap(source.rpartition(":")[0], partition, stands, begin, begin - stands))
    return found


def accept_gaps(workspace: Workspace, usecase: UseCase, stream: Stream, run: Run, reason: str) -> list[Gap]:
    """Let a stream go on from the oldest records that its log still holds, and record the decision in the ledger.

    The decision is recorded first: a run that dies between the two leaves a gap that is still to be accepted.

    Raises:
        NoGap: there is none.
        CommitConflict: somebody else moved the table's position meanwhile.
    """
    gaps = gaps_of(workspace, usecase, stream)
    if not gaps:
        raise NoGap(f"{usecase.name}.{stream.name} has no gap: the broker holds all that {stream.table} does not")
    table = EventTable(workspace.lake(usecase), stream.table)
    for gap in gaps:
        workspace.ledger.append(
            run, kind="note", subject=stream.table, partition=str(gap.partition), decision="GAP_ACCEPTED",
            effective_at=datetime.now(UTC), payload={**asdict(gap), "reason": reason},
        )  # fmt: skip
        if not table.skip(run, gap.source, gap.from_offset, gap.to_offset, reason):
            raise CommitConflict(f"table {stream.table}, {gap.source}: somebody else moved it; look again")
    return gaps
