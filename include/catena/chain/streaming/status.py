"""How the streams of a use case are doing: what waits, how long events take to their table, what is late or dead.

What waits in each partition of a log belongs in `catena.chain.streaming.lag`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from catena.chain.streaming.lag import Lag, lags_of
from catena.declaration import Stream, UseCase
from catena.lake import EventTable, Lake
from catena.workspace import Workspace

# Landings and merges take turns: about ten drains.
_COMMITS = 20


@dataclass(frozen=True)
class StreamStatus:
    """One stream as `catena stream status` shows it.

    Attributes:
        records: how many its table holds; late and dead ones are among them.
        p50_s: median time from the storage of a record at the broker to its landing, of the newest commits, seconds;
            None where nothing landed.
        p95_s: the time that 95 % of them did not exceed.
        is_behind: whether a record waits longer than the stream's declared limit, or something is wrong between table
            and log; None where the age of what waits is unknown.
    """

    stream: str
    table: str
    records: int
    late: int
    dead: int
    p50_s: float | None
    p95_s: float | None
    lag_limit_minutes: float
    is_behind: bool | None
    lags: tuple[Lag, ...]


def stream_statuses(workspace: Workspace, usecase: UseCase) -> list[StreamStatus]:
    """Return how each stream of a use case is doing.

    Raises:
        StreamError: a broker does not answer.
    """
    lake, lags = workspace.lake(usecase), lags_of(workspace, usecase)
    return [
        _status(lake, stream, tuple(lag for lag in lags if lag.stream == stream.name)) for stream in usecase.streams
    ]


def _status(lake: Lake, stream: Stream, lags: tuple[Lag, ...]) -> StreamStatus:
    table = EventTable(lake, stream.table)
    p50, p95 = _latencies(table.newest(_COMMITS, ["stored_at", "landed_at"]))
    return StreamStatus(
        stream=stream.name, table=stream.table, records=sum(lake.row_counts(stream.table).values()),
        late=table.count("late"), dead=table.count("dead"), p50_s=p50, p95_s=p95,
        lag_limit_minutes=stream.lag_limit_minutes,
        is_behind=_is_behind(lags, stream.lag_limit_minutes * 60), lags=lags,
    )  # fmt: skip


def _is_behind(lags: tuple[Lag, ...], limit_s: float) -> bool | None:
    if any(lag.fault or (lag.age_s is not None and lag.age_s > limit_s) for lag in lags):
        return True
    return None if any(lag.age_s is None for lag in lags) else False


def _latencies(rows: pa.Table) -> tuple[float | None, float | None]:
    if not rows.num_rows:
        return None, None
    taken = rows["landed_at"].to_numpy() - rows["stored_at"].to_numpy()
    p50, p95 = np.percentile(taken / np.timedelta64(1, "s"), [50, 95])
    return round(float(p50), 3), round(float(p95), 3)
