"""Downstream hears of every day that streams changed, also where the run that changed it died before it could tell."""

from __future__ import annotations

from dataclasses import replace

from catena.chain.stream import drain_streams
from catena.chain.stream_news import record_heard

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
