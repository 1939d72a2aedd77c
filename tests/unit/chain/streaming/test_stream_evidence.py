"""What is counted and compared shows a loss, and who merges at the same time waits."""

from __future__ import annotations

import threading

from catena.chain.exclusive import exclusively
from catena.chain.streaming.drain import drain
from catena.chain.streaming.evidence import compare_tables, count_stream
from catena.chain.streaming.landing import Limits
from catena.chain.streaming.merge import merging
from catena.chain.streaming.stream import drain_streams

DAY = "2013-01-01"


def test_what_is_missing_is_counted(workspace, batch_only, usecase, run, replay, load_files):
    """A table that lacks records of its log is not whole, and its rows differ; with all of them neither is so."""
    replay(DAY, DAY, duplicate=0.05, corrupt=0.01)
    load_files(batch_only, DAY, DAY)
    flights, _ = usecase.streams
    drain(workspace, usecase, run, Limits(most=1_000), until_idle=False)
    part = count_stream(workspace, usecase, flights)
    assert (part.is_whole, part.landed) == (False, 1_000)
    outcomes = {table.table: table for table in compare_tables(usecase, workspace, batch_only)}["outcomes"]
    assert (outcomes.is_equal, outcomes.differing > 0) == (False, True)
    drain(workspace, usecase, run, Limits(), until_idle=True)
    whole = count_stream(workspace, usecase, flights)
    assert (whole.is_whole, whole.landed, whole.events) == (True, whole.at_broker, 2522)
    assert whole.duplicates + whole.dead == whole.landed - 2522
    assert min(whole.duplicates, whole.dead) > 0
    assert all(table.is_equal for table in compare_tables(usecase, workspace, batch_only))


def test_who_merges_beside_another_waits(workspace, usecase, run, replay):
    """A drain lands while another merges, and merges after it: an older state of a day never follows a newer one."""
    replay(DAY, DAY)
    lake = workspace.lake(usecase)
    beside = threading.Thread(target=drain_streams, args=(workspace, usecase, run))
    with exclusively(workspace.engine, merging(usecase)):
        beside.start()
        beside.join(5)
        assert beside.is_alive()
        assert lake.version("schedule") is None
    beside.join(60)
    assert lake.row_counts("events_flights")[DAY] == 2522
    assert lake.row_counts("schedule")[DAY] == 842
