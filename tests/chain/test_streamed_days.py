"""Streams under the real scheduler: events reach tables, features and scores, and the files confirm them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catena.partitions import days
from catena.platform import installation, processes
from catena.streams.replay import Faults, replay_history

pytestmark = [pytest.mark.chain, pytest.mark.timeout(1800)]
FIRST, SECOND = "2013-02-04", "2013-02-05"
TABLES = ("schedule", "outcomes", "weather")
FAULTS = Faults(shuffle=True, duplicate=0.05, corrupt=0.01)


def seconds_until(is_so: Callable[[], bool], limit: float) -> float:
    """Return how long it took; fail after the limit."""
    begun = time.monotonic()
    while not is_so():
        assert time.monotonic() - begun < limit, f"not within {limit:.0f} s"
        time.sleep(0.5)
    return time.monotonic() - begun


def holds(chain: Any, table: str, day: str) -> bool:
    return chain.workspace.lake(chain.usecase).contents(table, [day])[day] is not None


def measured(chain: Any, day: str) -> set[str]:
    """Return what was measured of the day alone."""
    rows = chain.workspace.lake(chain.usecase).read("health", [day]).to_pylist()
    return {row["measure"] for row in rows if row["window_days"] == 1}


def is_drained(chain: Any, day: str) -> bool:
    """Return whether the day's rows are there, and nothing runs that might still change them."""
    lake = chain.workspace.lake(chain.usecase)
    return all(lake.read(table, [day]).num_rows for table in TABLES)


def test_streamed_day_reaches_the_scores(chain: Any) -> None:
    """Events of a day without a file become rows, features and scores, and the rows stay provisional.

    The day is measured by what its scores promise, and by no label.
    """
    replay_history(chain.settings, chain.usecase, (FIRST, FIRST), speed=0, faults=FAULTS)
    chain.api.unpause(chain.dag("stream"))
    seconds_until(lambda: holds(chain, "predictions", FIRST), 600)
    lake = chain.workspace.lake(chain.usecase)
    assert [lake.contents(table, [FIRST], final=True)[FIRST] for table in TABLES] == [None] * 3
    seconds_until(lambda: holds(chain, "health", FIRST), 600)
    assert "estimated_brier" in measured(chain, FIRST)
    assert "brier" not in measured(chain, FIRST)


def test_tick_drains_where_no_watcher_lives(chain: Any) -> None:
    """A burst while the triggerer is dead, so that no hint is given, is in the tables with the minute's tick."""
    processes.kill([processes.running(chain.settings)["triggerer"]])
    replay_history(chain.settings, chain.usecase, (SECOND, SECOND), speed=0, faults=FAULTS)
    published = datetime.now(UTC)
    seconds_until(lambda: is_drained(chain, SECOND), 300)
    # When a run was due says how long events wait for it; how long its task then takes is the machine's to say.
    seconds_until(lambda: bool(ticks_after(chain, published)), 120)
    assert min(ticks_after(chain, published)) - published <= timedelta(seconds=60)
    installation.up(chain.settings)


def ticks_after(chain: Any, moment: datetime) -> list[datetime]:
    """Return when the runs of the clock were due that came after a moment."""
    runs = [run for run in chain.api.runs([chain.dag("stream")]) if run["run_type"] == "scheduled"]
    return [due for run in runs if (due := datetime.fromisoformat(run["run_after"])) > moment]


def test_files_confirm_what_streams_told(chain: Any, deliver_more: Callable[[str, str], None]) -> None:
    """The files hold the rows that the streams told; the reconciliation says so, and monitoring goes on."""
    lake, window = chain.workspace.lake(chain.usecase), days(FIRST, SECOND)
    seconds_until(lambda: holds(chain, "predictions", SECOND), 600)
    told = {table: lake.contents(table, window) for table in TABLES}
    deliver_more(FIRST, SECOND)
    backfill = lambda: chain.api.backfill(chain.dag("ingest"), FIRST, SECOND, reprocess="none")  # noqa: E731
    assert chain.cascade(backfill) == []
    assert {table: lake.contents(table, window, final=True) for table in TABLES} == told
    assert chain.cascade(lambda: chain.api.trigger(chain.dag("reconcile"))) == []
    seconds_until(lambda: len(reconciled(chain)) == 6, 600)
    assert set(reconciled(chain).values()) == {"EQUAL"}
    seconds_until(lambda: all("brier" in measured(chain, day) for day in window), 600)


def reconciled(chain: Any) -> dict[tuple[str, str], str]:
    entries = chain.workspace.ledger.entries(chain.usecase.name, kind="reconciliation")
    return {(entry.subject, entry.partition): entry.decision for entry in entries}
