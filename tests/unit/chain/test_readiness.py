from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catena.chain.readiness import Need, NeverSettles, settle, until_settled
from catena.declaration import Calendar, Column, Table
from catena.lake import Lake
from catena.partitions import days, shift_day
from catena.run import Outcome, Run

CALENDAR = Calendar(first="2013-01-01", last="2013-01-08")
DAYS = days("2013-01-01", "2013-01-08")
WINDOW = 3
NEEDS = (Need("events", 1 - WINDOW, 0), Need("names", None))
RUN = Run("u", "features", "r", code_version="test")


def table(name: str, *, is_partitioned: bool = True) -> Table:
    columns = (
        Column(name="partition", type="string", nullable=False, description="Day."),
        Column(name="value", type="int64", nullable=False, description="Value."),
    )
    return Table(
        name=name,
        description="d",
        owner="o",
        columns=columns,
        primary_key=("partition", "value"),
        is_partitioned=is_partitioned,
    )


def new_lake(folder: str) -> Lake:
    """Return a lake whose reference table is there already."""
    lake = Lake(folder, (table("events"), table("sums"), table("names", is_partitioned=False)))
    lake.overwrite("names", rows([("all", 100)]), run=RUN)
    return lake


def rows(pairs: Iterable[tuple[str, int]]) -> pa.Table:
    return pa.Table.from_pylist(
        [{"partition": day, "value": value} for day, value in pairs],
        schema=pa.schema([("partition", pa.string()), ("value", pa.int64())]),
    )


def deliver(lake: Lake, day: str, value: int | None) -> None:
    """Land a day; None is a day that delivered no row."""
    lake.overwrite("events", rows([] if value is None else [(day, value)]), run=RUN, partitions=[day])


class Link:
    """A daily link: the sum of the last three days and the reference. Notes what it made, and from what."""

    def __init__(self, lake: Lake, absent: Iterable[str] = ()) -> None:
        self.lake = lake
        self.absent = set(absent)
        self.made: list[str] = []
        self.factor: int | None = 1

    def settle(self, day: str):
        return settle(
            self.lake,
            CALENDAR,
            wanted=[day],
            output="sums",
            spine="events",
            needs=NEEDS,
            besides=lambda _: None if self.factor is None else {"factor": self.factor},
            is_decided=lambda name, key: name == "events" and key in self.absent,
        )

    def __call__(self, day: str, meanwhile: Callable[[], None] | None = None) -> Outcome:
        settlement = self.settle(day)
        if not settlement.due:
            return Outcome("skipped" if settlement.waiting else "unchanged", settlement.waiting or "current")
        made = rows((key, total(self.lake, key, self.factor)) for key in settlement.due)
        if meanwhile:
            meanwhile()
        keys = sorted(settlement.due)
        self.lake.overwrite("sums", made, run=RUN, partitions=keys, inputs=settlement.due)
        self.made += keys
        return Outcome("published", "made", tuple(keys))


def total(lake: Lake, day: str, factor: int | None) -> int:
    window = [key for key in days(shift_day(day, 1 - WINDOW), day) if key >= CALENDAR.first]
    values = lake.read("events", window)["value"].to_pylist() + lake.read("names")["value"].to_pylist()
    return sum(values) * (factor or 0)


def expected(delivered: dict[str, int | None]) -> dict[str, int]:
    """Return the sums by plain arithmetic: of each day whose window, cut at the calendar, was delivered."""
    sums = {}
    for n, day in enumerate(DAYS):
        window = DAYS[max(0, n - WINDOW + 1) : n + 1]
        if all(key in delivered for key in window):
            sums[day] = 100 + sum(delivered[key] or 0 for key in window)
    return sums


def standing(lake: Lake) -> dict[str, int]:
    return {row["partition"]: row["value"] for row in lake.read("sums").to_pylist()}


DELIVERY = st.tuples(st.sampled_from(DAYS), st.none() | st.integers(1, 9))


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(DELIVERY, min_size=1, max_size=14))
def test_any_order_with_repeats_and_corrections_ends_the_same(deliveries):
    """However days arrive, repeat or are corrected: what can be made is made, from the newest inputs, and no more."""
    with tempfile.TemporaryDirectory() as folder:
        lake = new_lake(folder)
        link, delivered = Link(lake), {}
        for day, value in deliveries:
            deliver(lake, day, value)
            delivered[day] = value
            link(day)
            assert standing(lake) == expected(delivered)
        made = list(link.made)
        for day, _ in deliveries:
            link(day)
        assert link.made == made


def test_a_run_goes_on_behind_its_reach_while_days_are_due(lake):
    """Days that came in a flood are made by the first run, not one by each of the runs that follow."""
    link = Link(lake)
    for day in DAYS:
        deliver(lake, day, 1)
    link(DAYS[0])
    assert link.made == DAYS


def test_a_run_stops_behind_its_reach_at_the_first_day_that_waits(lake):
    """What lies behind a gap has its own event; it is not looked at."""
    link = Link(lake)
    for day in DAYS[:4] + DAYS[5:]:
        deliver(lake, day, 1)
    link(DAYS[0])
    assert link.made == DAYS[:4]


@settings(max_examples=8)
@given(st.permutations(DAYS))
def test_each_day_is_made_once_in_any_order_of_arrival(order):
    """Without corrections nothing is made twice, so a backfill in any order costs what the in-order one costs."""
    with tempfile.TemporaryDirectory() as folder:
        lake = new_lake(folder)
        link = Link(lake)
        for day in order:
            deliver(lake, day, 1)
            link(day)
        assert sorted(link.made) == DAYS


@settings(max_examples=8)
@given(st.permutations(DAYS), st.lists(st.sampled_from(DAYS), max_size=6))
def test_events_may_come_late_together_and_more_than_once(order, repeats):
    """Events are hints: all data first and the events afterwards, in another order and repeated, end the same."""
    with tempfile.TemporaryDirectory() as folder:
        lake = new_lake(folder)
        link = Link(lake)
        for day in DAYS:
            deliver(lake, day, 2)
        for day in (*repeats, *order, *repeats):
            link(day)
        assert sorted(link.made) == DAYS
        assert standing(lake) == expected(dict.fromkeys(DAYS, 2))


@pytest.fixture
def lake(tmp_path) -> Lake:
    return new_lake(str(tmp_path))


def test_a_day_waits_for_its_window_and_says_for_what(lake):
    """The reason names what is missing; the arrival of the last missing day makes all that waited."""
    link = Link(lake)
    deliver(lake, DAYS[3], 1)
    settlement = link.settle(DAYS[3])
    assert (settlement.due, settlement.current) == ({}, ())
    assert settlement.waiting == "waiting for events[2013-01-02], events[2013-01-03]"
    deliver(lake, DAYS[1], 1)
    deliver(lake, DAYS[0], 1)
    deliver(lake, DAYS[2], 1)
    assert list(link.settle(DAYS[2]).due) == DAYS[2:4]


def test_a_day_without_rows_is_there(lake):
    """A day that delivered nothing, and came before the day that it waits for, is made like any other."""
    link = Link(lake)
    deliver(lake, DAYS[1], None)
    link(DAYS[1])
    deliver(lake, DAYS[0], 5)
    link(DAYS[0])
    assert link.made == DAYS[:2]


def test_what_will_not_come_is_not_waited_for_until_it_comes_after_all(lake):
    """A decided absence is an input: the day is made without it, and made again if it is delivered after all."""
    link = Link(lake, absent=[DAYS[0]])
    deliver(lake, DAYS[1], 1)
    link(DAYS[1])
    assert standing(lake) == {DAYS[1]: 101}
    deliver(lake, DAYS[0], 5)
    link(DAYS[0])
    assert standing(lake) == {DAYS[0]: 105, DAYS[1]: 106}


def test_a_correction_reaches_its_window_and_nothing_else(lake):
    """A corrected day is made again with each day whose window holds it, in one pass."""
    link = Link(lake)
    for day in DAYS:
        deliver(lake, day, 1)
        link(day)
    deliver(lake, DAYS[2], 7)
    assert sorted(link.settle(DAYS[2]).due) == DAYS[2:5]
    deliver(lake, DAYS[2], 1)
    assert link.settle(DAYS[2]).due == {}
    assert link.settle(DAYS[2]).current == tuple(DAYS[2:5])


def test_other_facts_that_decide_a_day_make_it_due(lake):
    """A new model or other SQL makes the day due; a decision that is still open lets it wait."""
    link = Link(lake)
    deliver(lake, DAYS[0], 1)
    link.factor = None
    assert link.settle(DAYS[0]).waiting == "waiting for a decision on what serves"
    for factor in (1, 2):
        link.factor = factor
        link(DAYS[0])
    assert standing(lake) == {DAYS[0]: 202}
    assert link.made == [DAYS[0], DAYS[0]]


def test_a_reference_table_is_an_input(lake):
    """A new version of the reference data makes the asked-for day due."""
    link = Link(lake)
    deliver(lake, DAYS[0], 1)
    link(DAYS[0])
    lake.overwrite("names", rows([("all", 200)]), run=RUN)
    link(DAYS[0])
    assert standing(lake) == {DAYS[0]: 201}


def test_a_day_outside_the_calendar_is_not_made(lake):
    """The run for such a day ends with a sentence, not with a failure."""
    settlement = Link(lake).settle("2013-01-09")
    assert (settlement.due, settlement.waiting) == ({}, "2013-01-09 lies outside the calendar of the use case")


def test_windows_that_look_ahead_settle_earlier_days(lake):
    """Where a day needs the day after it, that day's arrival makes it."""
    link = Link(lake)
    ahead = (Need("events", 0, 1),)
    deliver(lake, DAYS[0], 1)
    deliver(lake, DAYS[1], 1)
    found = settle(
        lake,
        CALENDAR,
        wanted=[DAYS[1]],
        output="sums",
        spine="events",
        needs=ahead,
        besides=lambda _: {},
        is_decided=lambda *_: False,
    )
    assert list(found.due) == [DAYS[0]]
    assert found.waiting == "waiting for events[2013-01-03]"
    assert link.made == []


def test_a_correction_during_the_making_is_not_lost(lake):
    """While a slow run makes a day, another run makes it from a correction: the correction must stand in the end."""
    deliver(lake, DAYS[0], 1)
    slow, fast = Link(lake), Link(lake)

    def correct() -> None:
        if not fast.made:
            deliver(lake, DAYS[0], 9)
            fast(DAYS[0])

    outcome = until_settled(lambda: slow(DAYS[0], meanwhile=correct))
    assert standing(lake) == {DAYS[0]: 109}
    assert outcome.status == "published"
    assert outcome.partitions == (DAYS[0],)


def test_a_link_that_does_not_record_what_it_made_is_stopped():
    """Publishing without end is an error that says so, not a task that runs for ever."""
    with pytest.raises(NeverSettles, match="published 4 times"):
        until_settled(lambda: Outcome("published", "made", ("2013-01-01",)), attempts=3)
