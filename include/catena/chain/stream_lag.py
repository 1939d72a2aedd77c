"""How far the tables are behind their logs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from catena.chain.stream_landing import source_of
from catena.declaration import Stream, UseCase
from catena.lake import EventTable
from catena.streams.connect import open_log
from catena.workspace import Workspace


@dataclass(frozen=True)
class Lag:
    """What waits in a partition of a log.

    Attributes:
        next_offset: the first offset that the table does not hold; None where it was never read.
        records: how many offsets wait.
        age_s: how long the oldest of them has been waiting, seconds; 0 where none does.
        watermark: when the newest event that the table holds became known, None where it holds none.
    """

    stream: str
    partition: int
    next_offset: int | None
    records: int
    age_s: float
    watermark: datetime | None


def lags_of(workspace: Workspace, usecase: UseCase) -> list[Lag]:
    """Return the lag of each log partition of a use case's streams.

    Raises:
        StreamError: a broker does not answer, or no longer holds what comes next.
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
            start = log.begin_offset(partition) if known.next_offset is None else known.next_offset
            waiting = max(log.end_offset(partition) - start, 0)
            oldest = log.read(partition, start, 1, 1.0).records if waiting else ()
            age = max((datetime.now(UTC) - record.stored_at).total_seconds() for record in oldest) if oldest else 0.0
            watermark = known.watermark
            at = None if watermark is None else datetime.fromtimestamp(watermark / 1e6, UTC)
            found.append(Lag(stream.name, partition, known.next_offset, waiting, age, at))
    return found
