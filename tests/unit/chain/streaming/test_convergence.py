"""Whatever a log brings, in whatever order and however often, the clean tables end as the daily files have them."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.streaming.landing import Limits
from catena.chain.streaming.reconcile import days_to_reconcile, reconcile_days
from catena.chain.streaming.stream import drain_streams
from catena.lake import Lake, lake_tables
from catena.partitions import days
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace
from usecases.flight_delays.history import history
from usecases.flight_delays.upstream import FLIGHT_DAY, WEATHER_DAY, days_of, flights_text, weather_text

FIRST, LAST = "2013-02-01", "2013-02-02"
TABLES = ("schedule", "outcomes", "weather")
DATASETS = ("flights", "weather")
INGEST = Run("flight_delays", "ingest", "batch", code_version="test")


def contents(lake, first=FIRST, last=LAST):
    return {table: lake.contents(table, days(first, last)) for table in TABLES}


def rows(lake):
    return {table: lake.read(table) for table in TABLES}


def test_stream_alone_makes_what_the_files_make(workspace, batch_only, usecase, run, replay, load_files):
    """Events without faults make the very rows of the files, before any file comes."""
    replay(FIRST, FIRST)
    outcome = drain_streams(workspace, usecase, run)
    load_files(batch_only, FIRST, FIRST)
    assert outcome.partitions == (FIRST,)
    # A retry cannot know whether the try before it told anybody.
    assert drain_streams(workspace, usecase, replace(run, try_number=2)).partitions == (FIRST,)
    assert contents(workspace.lake(usecase), FIRST, FIRST) == contents(batch_only.lake(usecase), FIRST, FIRST)


def test_faulty_stream_ends_as_the_files(workspace, batch_only, usecase, run, replay, load_files):
    """With copies, shuffled, late and broken records, in batches of odd sizes, then the files: the same rows."""
    replay(FIRST, LAST, shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01)
    while drain_streams(workspace, usecase, run, Limits(batch=977, most=2_000)).details["flights"]["records"]:
        pass
    load_files(workspace, FIRST, LAST)
    load_files(batch_only, FIRST, LAST)
    reconcile_days(workspace, usecase, days(FIRST, LAST), run)
    assert contents(workspace.lake(usecase)) == contents(batch_only.lake(usecase))
    assert rows(workspace.lake(usecase)) == rows(batch_only.lake(usecase))


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    """Every fortieth flight and every eighth hour of two days: the events by stream, and the landing folder."""
    root = tmp_path_factory.mktemp("part")

    def is_flight(line: str) -> bool:
        cells = line.split(",")
        day = f"{cells[0]}-{int(cells[1]):02d}-{int(cells[2]):02d}"
        return crc32(f"{day}-{cells[9]}-{cells[10]}-{cells[12]}".encode()) % 40 == 0

    chosen = {"flights": is_flight, "weather": lambda line: int(line.split(",")[4]) % 8 == 1}
    texts = {"flights": (flights_text(), FLIGHT_DAY), "weather": (weather_text(), WEATHER_DAY)}
    for dataset, (text, places) in texts.items():
        folder = root / "flight_delays" / dataset
        folder.mkdir(parents=True)
        for day, (header, *lines) in days_of(text, places, FIRST, LAST).items():
            (folder / f"{day}.csv").write_text("".join([header, *filter(chosen[dataset], lines)]))
    told = list(history(FIRST, LAST))
    events = {
        "flights": [each for each in told if each.type != "weather.observed" and crc32(each.key.encode()) % 40 == 0],
        # The local hour is five behind in February.
        "weather": [each for each in told if each.type == "weather.observed" and (each.event_time.hour - 5) % 8 == 1],
    }
    return events, root


@pytest.fixture
def open_part(part, tmp_path, fresh_database):
    """Return a function that opens an empty lake over the same landing folder and ledger, each time a new one."""
    url, opened = fresh_database(), []

    def open_() -> Workspace:
        home = tmp_path / f"{len(opened)}"
        home.mkdir()
        workspace = Workspace(Settings(_env_file=None, home=home, landing_url=str(part[1]), database_url=url))
        workspace.ledger.create()
        opened.append(workspace)
        return workspace

    yield open_
    for workspace in opened:
        workspace.engine.dispose()


def load(workspace, usecase):
    for dataset in DATASETS:
        ingest_dataset(workspace, usecase, dataset, days(FIRST, LAST), INGEST)


# A failure is shown as it was found: each example costs seconds, and making it small takes hundreds.
@settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**32),
    shuffle=st.sampled_from(["none", "near", "all"]),
    copies=st.integers(0, 40),
    broken=st.integers(0, 5),
    loses_the_end=st.booleans(),
    batch=st.integers(60, 400),
    merges=st.sets(st.integers(0, 8), max_size=2),
)
def test_any_telling_ends_as_the_files(
    part, open_part, listed_log, usecase, run, expected_part,
    seed, shuffle, copies, broken, loses_the_end, batch, merges,
):  # fmt: skip
    """Any order, copies, broken records, batches, restarts: equal by streams alone; with a lost end, after the files.

    Each batch is landed and merged by a process of its own: nothing but the tables is remembered.
    """
    workspace, chance = open_part(), Random(seed)
    root = workspace.lake(usecase).root
    any_late = False
    for stream, events in part[0].items():
        told = list(events[: -max(len(events) // 10, 1)] if loses_the_end else events)
        told += chance.choices(told, k=copies)
        if shuffle == "all":
            chance.shuffle(told)
        elif shuffle == "near":
            told = _nearly(told, chance)
        for _ in range(broken):
            told.insert(chance.randrange(len(told) + 1), b'{"type":')
        records = listed_log(Lake(root, lake_tables(usecase)), usecase, run).records(stream, told)
        for turn in range(len(records) // batch + 1):
            process = listed_log(Lake(root, lake_tables(usecase)), usecase, run)
            process.land(stream, records, batch)
            if turn in merges:
                process.merge(stream)
        process.merge(stream)
        any_late |= "late" in process.lake.read(usecase.stream(stream).table)["standing"].to_pylist()
    lake = workspace.lake(usecase)
    if not loses_the_end:
        if any_late:
            reconcile_days(workspace, usecase, days_to_reconcile(workspace, usecase), run)
        assert contents(lake) == expected_part[0]
    load(workspace, usecase)
    reconcile_days(workspace, usecase, days_to_reconcile(workspace, usecase), run)
    assert contents(lake) == expected_part[0]
    assert rows(lake) == expected_part[1]
    assert lake.row_counts("events_flights").keys() >= set(days(FIRST, LAST))
    assert days_to_reconcile(workspace, usecase) == []


def _nearly(told, chance):
    """Return events that overtake each other by at most twenty places."""
    order = sorted(range(len(told)), key=lambda at: at + 20 * chance.random())
    return [told[at] for at in order]


@pytest.fixture
def expected_part(open_part, usecase):
    """What the files alone make of the part."""
    workspace = open_part()
    load(workspace, usecase)
    lake = workspace.lake(usecase)
    assert all(table.num_rows > 10 for table in rows(lake).values())
    return contents(lake), rows(lake)


@pytest.mark.skipif("CATENA_LONG_TESTS" not in os.environ, reason="takes minutes; CATENA_LONG_TESTS=1 runs it")
@pytest.mark.timeout(1800)
def test_a_week_of_flights_converges(workspace, batch_only, usecase, run, replay, load_files, capsys):
    """A whole week with all faults: after the reconciliation as by files, and so it stays when the files come."""
    first, last = "2013-02-04", "2013-02-10"
    week = days(first, last)
    sent = replay(first, last, shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01)
    landed: dict[str, int] = {}
    limits = Limits(batch=4_999, most=9_998)
    while (found := drain_streams(workspace, usecase, run, limits)).details["flights"]["records"]:
        for stream in ("flights", "weather"):
            for name in ("records", "late", "dead", "commits"):
                key = f"{stream} {name}"
                landed[key] = landed.get(key, 0) + found.details[stream][name]
    reconcile_days(workspace, usecase, week, run)
    load_files(batch_only, first, last)
    lake, authority = workspace.lake(usecase), batch_only.lake(usecase)
    assert contents(lake, first, last) == contents(authority, first, last)
    load_files(workspace, first, last)
    outcome = reconcile_days(workspace, usecase, week, run)
    assert rows(lake) == rows(authority)
    assert outcome.details == {"differing": [], "entries": 21}
    with capsys.disabled():
        said = dict(sent.sent), landed, {name: table.num_rows for name, table in rows(lake).items()}, outcome
        print("\n", *said, sep="\n")  # noqa: T201 - the counts are what it is run for
