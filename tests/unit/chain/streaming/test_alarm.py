"""A stream that lags is said aloud in every run, and stands in the ledger once, until it has caught up."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing

import pytest

from catena.chain.streaming.landing import Limits
from catena.chain.streaming.stream import drain_streams
from catena.declaration import UseCase
from catena.streams import Message, open_log


def impatient(usecase: UseCase, seconds: float) -> UseCase:
    """Return the use case with streams whose events may wait so long."""
    streams = [each.model_copy(update={"lag_limit_minutes": seconds / 60}) for each in usecase.streams]
    return usecase.model_copy(update={"streams": tuple(streams)})


@pytest.fixture
def publish(workspace, usecase):
    """Return a function that publishes so many records; what they say does not matter to the alarm."""
    flights = usecase.streams[0]

    def send(count: int) -> None:
        with closing(open_log(workspace.settings, usecase.name, flights)) as log:
            log.publish_many([Message(f"{time.monotonic_ns()}-{n}", "k", b"no event") for n in range(count)])

    return send


def notes(workspace):
    return workspace.ledger.entries("flight_delays", kind="note")


def test_a_breach_is_noted_once_and_its_end_once(workspace, usecase, run, publish, caplog):
    """However many runs a breach lasts, the ledger holds its beginning and its end, and each run's log an error."""
    caplog.set_level(logging.ERROR, logger="catena")
    publish(3)
    outcome = drain_streams(workspace, usecase, run)
    assert (notes(workspace), caplog.records) == ([], [])
    assert outcome.details["flights"]["is_lagging"] is False
    slow = impatient(usecase, 1.0)
    publish(30)
    time.sleep(1.1)
    # Three runs that each leave something waiting, and two that read it late.
    lagging = [drain_streams(workspace, slow, run, Limits(most=6)).details["flights"] for _ in range(5)]
    assert [each["waiting"] for each in lagging] == [24, 18, 12, 6, 0]
    assert all(each["is_lagging"] and each["waited_s"] > 1.0 for each in lagging)
    (begun,) = notes(workspace)
    assert (begun.decision, begun.subject, begun.partition) == ("LAGGING", "events_flights", "none")
    assert (begun.payload["limit_s"], begun.payload["waiting"]) == (1.0, 24)
    assert begun.payload["since"] <= begun.effective_at.isoformat() <= begun.recorded_at.isoformat()
    assert len(caplog.records) == 5
    assert "waited" in caplog.text
    assert "events_flights" in caplog.text
    # Nothing waits any more; two runs side by side say so once.
    sides = [threading.Thread(target=drain_streams, args=(workspace, slow, run)) for _ in range(2)]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    assert [entry.decision for entry in notes(workspace)] == ["LAGGING", "CAUGHT_UP"]
    assert len(caplog.records) == 5
    # A second breach is a new one.
    publish(1)
    time.sleep(1.1)
    drain_streams(workspace, slow, run)
    drain_streams(workspace, slow, run)
    assert [entry.decision for entry in notes(workspace)] == ["LAGGING", "CAUGHT_UP"] * 2
