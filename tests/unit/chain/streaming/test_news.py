"""Downstream hears of every day that streams changed, also where the run that changed it died before it could tell."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from catena.chain.streaming.gap import accept_gaps
from catena.chain.streaming.news import record_heard
from catena.chain.streaming.stream import drain_streams
from catena.streams.connect import TOKEN_FILE
from catena.streams.errors import OffsetGone
from catena.streams.jetstream import JetStreamLog

DAY, NEXT = "2013-01-01", "2013-01-02"


def test_days_of_a_run_that_died_are_told_by_the_next(workspace, usecase, run, replay, load_files):
    """Until it is recorded that downstream heard, each run tells, an idle one too; never a day with a file."""
    replay(DAY, DAY)
    assert drain_streams(workspace, usecase, run).partitions == (DAY,)
    other = replace(run, run_id="run-2")
    told = drain_streams(workspace, usecase, other)
    assert (told.status, told.partitions) == ("published", (DAY,))
    assert "1 changed before, and nobody was told" in told.reason
    assert {table for heard in told.details["heard"].values() for table in heard} == {"schedule", "outcomes", "weather"}
    record_heard(workspace, usecase, other, told.details["heard"])
    assert drain_streams(workspace, usecase, replace(run, run_id="run-3")).status == "unchanged"
    # What comes between the telling and its record is not taken for told.
    replay(NEXT, NEXT)
    assert drain_streams(workspace, usecase, other).partitions == (NEXT,)
    record_heard(workspace, usecase, other, told.details["heard"])
    assert drain_streams(workspace, usecase, other).partitions[-1] == NEXT
    load_files(workspace, DAY, NEXT)
    assert drain_streams(workspace, usecase, other).status == "unchanged"


def test_a_stream_that_stops_does_not_stop_those_behind_it(workspace, usecase, run, replay):
    """What waits in the other streams lands and is merged; the run fails all the same, and the next that ends tells."""
    weather_first = usecase.model_copy(update={"streams": usecase.streams[::-1]})
    replay(DAY, DAY)
    record_heard(workspace, usecase, run, drain_streams(workspace, usecase, run).details["heard"])
    lose_the_weather(workspace)
    replay(NEXT, NEXT)
    with pytest.raises(OffsetGone):
        drain_streams(workspace, weather_first, run)
    assert workspace.lake(usecase).partitions("schedule") == [DAY, NEXT]
    accept_gaps(workspace, usecase, usecase.stream("weather"), run, "the files are loaded")
    assert drain_streams(workspace, weather_first, run).partitions == (NEXT,)


def lose_the_weather(workspace):
    """Let the broker remove the weather that it holds and some more, as retention does in a week."""
    settings = workspace.settings
    url, token = f"nats://127.0.0.1:{settings.nats_port}", (settings.home / TOKEN_FILE).read_text()
    with closing(JetStreamLog(url, "flight_delays.weather", 1, timedelta(seconds=1), {"token": token})) as log:
        for number in range(3):
            log.publish(f"lost-{number}", "JFK", b"lost")
        while log.begin_offset(0) < log.end_offset(0):
            time.sleep(0.1)
