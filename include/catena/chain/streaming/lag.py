"""How far the tables are behind their logs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from catena.chain.streaming.landing import source_of
from catena.declaration import Stream, UseCase
from catena.lake import EventTable
from catena.streams.connect import open_log
from catena.streams.errors import OffsetAhead, OffsetGone, SequenceGap, StreamError
from catena.streams.port import EventLog
from catena.workspace import Workspace

# How long a broker may take to hand out the oldest record that waits, seconds.
_PATIENCE = 1.0


@dataclass(frozen=True)
class Lag:
    """What waits in a partition of a log.

    Attributes:
        next_offset: the first offset that the table does not hold; None where it was never read.
        records: how many offsets wait, those that the log no longer holds not among them.
        age_s: how long the oldest of them has been waiting, seconds; 0 where none does, None where nobody can say: the
            broker holds records and did not hand out the oldest in time.
        watermark: when the newest event that the table holds became known, None where it holds none.
        missing: how many offsets the broker removed before they were read.
        fault: what is wrong between the table and its log and what to do; empty where nothing is.
    """

    stream: str
    partition: int
    next_offset: int | None
    records: int
    age_s: float | None
    watermark: datetime | None
    missing: int = 0
    fault: str = ""


def lags_of(workspace: Workspace, usecase: UseCase) -> list[Lag]:
    """Return the lag of each log partition of a use case's streams; one with a gap hides no other.

    Raises:
        StreamError: a broker does not answer.
    """
    return [lag for stream in usecase.streams for lag in lags_of_stream(workspace, usecase, stream)]


def lags_of_stream(workspace: Workspace, usecase: UseCase, stream: Stream) -> list[Lag]:
    """Return the lag of each log partition of one stream; see `lags_of`."""
    table = EventTable(workspace.lake(usecase), stream.table)
    found: list[Lag] = []
    with closing(open_log(workspace.settings, usecase.name, stream)) as log:
        sources = [source_of(log, partition) for partition in range(log.partitions)]
        positions = table.positions(sources)
        for partition, source in enumerate(sources):
            known = positions[source]
            begin, end = log.begin_offset(partition), log.end_offset(partition)
            stands = begin if known.next_offset is None else known.next_offset
            age, fault = _oldest(log, partition, stands, (begin, end))
            at = None if known.watermark is None else datetime.fromtimestamp(known.watermark / 1e6, UTC)
            waiting = max(end - max(stands, begin), 0)
            missing = max(begin - stands, 0)
            found.append(Lag(stream.name, partition, known.next_offset, waiting, age, at, missing, fault))
    return found


def _oldest(log: EventLog, partition: int, stands: int, bounds: tuple[int, int]) -> tuple[float | None, str]:
    """Return how long the oldest record waits that the log still holds, and what is wrong where something is."""
    begin, end = bounds
    fault: StreamError | None = None
    if stands < begin:
        fault = OffsetGone(log.name, partition, stands, begin)
    elif stands > end:
        fault = OffsetAhead(log.name, partition, stands, end)
    start = max(stands, begin)
    if start >= end:
        return 0.0, "" if fault is None else str(fault)
    try:
        batch = log.read(partition, start, 1, _PATIENCE)
    except (OffsetGone, SequenceGap) as error:
        # Retention goes on meanwhile.
        return None, str(fault or error)
    said = "" if fault is None else str(fault)
    if batch.records:
        return max((datetime.now(UTC) - batch.records[0].stored_at).total_seconds(), 0.0), said
    # Offsets that a log uses for itself are no records that wait.
    return (0.0 if batch.next_offset > start else None), said
