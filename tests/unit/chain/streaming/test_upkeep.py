"""The upkeep of a use case's tables: what it may delete, and that streams and clean tables do not notice it."""

from __future__ import annotations

from catena.chain.streaming.landing import Limits
from catena.chain.streaming.reconcile import reconcile_days
from catena.chain.streaming.stream import drain_streams
from catena.chain.upkeep import append_only_tables, maintain_tables
from catena.declared import declared_usecases
from catena.insights import LEDGER
from catena.lake import EventTable
from catena.partitions import month_of
from catena.reports import questions

DAY = "2013-02-01"
TABLES = ("schedule", "outcomes", "weather", "quarantine")


def state(workspace, usecase):
    """Return everything that later runs decide by."""
    lake = workspace.lake(usecase)
    return {
        name: (lake.log(name).transactions, lake.contents(name, [DAY]), lake.row_counts(name))
        for name in (*TABLES, "events_flights", "events_weather")
    }


def test_no_evidence_rests_on_versions_that_are_lost():
    """Neither a report nor a training reads an old version of a raw or an event table, which the upkeep deletes.

    What a report asks of streams is read from the current version, as far as the cited one was in each log.
    """
    for usecase in declared_usecases():
        asked = questions(usecase, month_of(usecase.calendar.first), "2013-01", usecase.streams)
        read = {query.name: {source.table for source in query.sources.values()} - {LEDGER} for query in asked}
        of_streams = read.pop("streams", set())
        assert of_streams == {stream.table for stream in usecase.streams}
        pinned = set().union(*read.values(), {usecase.features.table, usecase.label.table})
        assert len(pinned) > 3
        assert not pinned & append_only_tables(usecase)


def test_streams_do_not_notice_the_upkeep(workspace, usecase, run, replay, load_files):
    """After upkeep nothing is read again and nothing merged again; what comes later ends as the files have it."""
    replay(DAY, DAY)
    drain_streams(workspace, usecase, run, Limits(batch=150, most=1_500))
    lake, before = workspace.lake(usecase), state(workspace, usecase)
    rows = {name: lake.read(name) for name in before}
    outcome = maintain_tables(workspace, usecase, run)
    done = outcome.details["tables"]["events_flights"]
    assert (outcome.status, outcome.details["conflicts"]) == ("published", [])
    assert (done["files_before"], done["files_after"], done["compacted"]) == (10, 1, (DAY,))
    assert state(workspace, usecase) == before
    assert all(lake.read(name).equals(rows[name]) for name in rows)
    for stream in usecase.streams:
        assert EventTable(lake, stream.table).unmerged()[1] == []
    assert maintain_tables(workspace, usecase, run).status == "unchanged"
    rest = drain_streams(workspace, usecase, run)
    assert rest.details["flights"]["records"] + 1_500 == lake.row_counts("events_flights")[DAY]
    maintain_tables(workspace, usecase, run)
    load_files(workspace, DAY, DAY)
    assert reconcile_days(workspace, usecase, [DAY], run).details["differing"] == []
