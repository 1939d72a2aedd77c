"""The alarm of streams: events that wait longer for their table than is declared are said aloud, and noted once.

How far a table is behind its log is measured in `catena.chain.streaming.lag`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.streaming.lag import lags_of_stream
from catena.chain.streaming.landing import Landed
from catena.declaration import Stream, UseCase
from catena.run import Run
from catena.workspace import Workspace

LAGGING, CAUGHT_UP = "LAGGING", "CAUGHT_UP"
# A lag is of no day.
_NO_PARTITION = "none"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Punctuality:
    """How late a stream was in one run.

    Attributes:
        waiting: offsets that still wait after the run.
        waited_s: the longest wait of an event, landed by the run or still waiting, seconds, as far as it is known.
        is_lagging: whether that is longer than the stream allows.
    """

    waiting: int
    waited_s: float
    is_lagging: bool


def watch_lag(workspace: Workspace, usecase: UseCase, stream: Stream, landed: Landed, run: Run) -> Punctuality:
    """Judge how late a stream is after a run; a breach of its limit is an error in the log.

    The ledger gets one entry when a breach begins and one when it is over, however many runs lie between. Both take
    effect when they were seen, and the first says since when an event waits too long.

    Raises:
        StreamError: the broker does not answer.
    """
    lags = lags_of_stream(workspace, usecase, stream)
    for lag in lags:
        if lag.fault or lag.age_s is None:
            said = lag.fault or "the broker does not hand out the oldest record that waits: its age is unknown"
            log.error("stream %s of %s, partition %d: %s", stream.name, usecase.name, lag.partition, said)
    waited = max([landed.longest_wait_s, *(lag.age_s for lag in lags if lag.age_s is not None)])
    waiting = sum(lag.records for lag in lags)
    limit = stream.lag_limit_minutes * 60
    found = Punctuality(waiting, round(waited, 3), waited > limit)
    if found.is_lagging:
        log.error(
            "stream %s of %s lags: an event waited %.0f s for table %s, allowed are %.0f s; %d offsets still wait",
            stream.name, usecase.name, waited, stream.table, limit, waiting,
        )  # fmt: skip
    _note(workspace, stream, found, run)
    return found


def _note(workspace: Workspace, stream: Stream, found: Punctuality, run: Run) -> None:
    ledger, table = workspace.ledger, stream.table
    # Two runs side by side would both find no entry yet.
    with exclusively(workspace.engine, [run.usecase, "stream_alarm", table]):
        before = ledger.last(run.usecase, "note", table, partition=_NO_PARTITION)
        was_lagging = before is not None and before.decision == LAGGING
        if found.is_lagging == was_lagging:
            return
        now, limit = datetime.now(UTC), stream.lag_limit_minutes * 60
        payload: dict[str, Any] = {
            "stream": stream.name, "limit_s": limit, "waited_s": found.waited_s, "waiting": found.waiting,
        }  # fmt: skip
        if found.is_lagging:
            overdue = timedelta(seconds=found.waited_s - limit)
            payload["reason"] = "events wait longer for their table than is declared"
            payload["since"] = (now - overdue).isoformat()
        elif before is not None:
            payload["reason"] = "no event waits longer than is declared"
            payload["lagged_s"] = round((now - before.effective_at).total_seconds(), 3)
        ledger.append(
            run, kind="note", subject=table, partition=_NO_PARTITION, effective_at=now, payload=payload,
            decision=LAGGING if found.is_lagging else CAUGHT_UP,
        )  # fmt: skip
