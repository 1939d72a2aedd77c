"""Whatever a log brings, in whatever order and however often, the clean tables end as the daily files have them."""

from __future__ import annotations

import pytest

from catena.chain.reconcile import days_to_reconcile, reconcile_days
from catena.chain.stream import drain_streams
from catena.chain.stream_landing import Limits
from catena.partitions import days

FIRST, LAST = "2013-02-01", "2013-02-02"
TABLES = ("schedule", "outcomes", "weather")


def contents(workspace, usecase, first=FIRST, last=LAST):
    lake = workspace.lake(usecase)
    return {table: lake.contents(table, days(first, last)) for table in TABLES}


def test_stream_alone_makes_what_the_files_make(workspace, batch_only, usecase, run, replay, load_files):
    """Events without faults make the very rows of the files, before any file comes."""
    replay(FIRST, LAST)
    outcome = drain_streams(workspace, usecase, run)
    load_files(batch_only, FIRST, LAST)
    assert outcome.partitions == (FIRST, LAST)
    assert contents(workspace, usecase) == contents(batch_only, usecase)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faulty_stream_ends_as_the_files(workspace, batch_only, usecase, run, replay, load_files, seed):
    """With copies, shuffled, late and broken records, in batches of odd sizes, then the files: the same content."""
    replay(FIRST, LAST, shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01, seed=seed)
    while drain_streams(workspace, usecase, run, Limits(batch=317 * seed, most=1_000)).details["flights"]["records"]:
        pass
    load_files(workspace, FIRST, LAST)
    load_files(batch_only, FIRST, LAST)
    outcome = reconcile_days(workspace, usecase, days_to_reconcile(workspace, usecase), run)
    assert outcome.partitions == (FIRST, LAST)
    assert contents(workspace, usecase) == contents(batch_only, usecase)
