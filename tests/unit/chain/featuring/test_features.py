"""The link `features` on a real lake and ledger: what is due, in one pass, whatever the order of arrival."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from catena.chain.featuring.features import build_features
from catena.lake import Lake, arrow_schema
from catena.partitions import days, start_of
from catena.run import Run
from catena.workspace import Workspace
from usecases.flight_delays import USECASE

DAYS = days("2013-01-01", "2013-01-04")
RUN = Run("flight_delays", "features", "test", code_version="test")
RETRY = Run("flight_delays", "features", "test", try_number=2, code_version="test")
DATASETS = {clean.table: dataset.name for dataset in USECASE.datasets for clean in dataset.clean}


def write(lake: Lake, name: str, rows: list[dict[str, Any]], day: str | None = None) -> None:
    schema = arrow_schema(lake.tables[name])
    lake.overwrite(name, pa.Table.from_pylist(rows, schema=schema), run=RUN, **({"partitions": [day]} if day else {}))


def planes(lake: Lake) -> None:
    write(lake, "planes", [{"tailnum": "N1", "built_year": 2003, "seats": 100}])


def flights(lake: Lake, day: str, arrival_delay: int = 20) -> None:
    """Land two flights of a day; the second one's decision comes after the first one's departure."""
    plans, outcomes = [], []
    for number, hour in ((1, 14), (2, 20)):
        at = start_of(day) + timedelta(hours=hour)
        facts = {"partition": day, "flight_id": f"{day}-UA-{number}-EWR", "event_time": at, "carrier": "UA",
                 "flight_number": number, "tailnum": "N1", "origin": "EWR", "dest": "LAX",
                 "scheduled_departure_at": at}  # fmt: skip
        plans.append(facts | {"known_at": start_of(day) - timedelta(hours=12), "distance_miles": 2454,
                              "scheduled_departure_local_min": (hour - 5) * 60,
                              "scheduled_arrival_local_min": (hour - 2) * 60})  # fmt: skip
        outcomes.append(facts | {"known_at": at + timedelta(hours=8), "departed_at": at, "departure_delay_min": 0,
                                 "arrival_delay_min": arrival_delay, "is_cancelled": False,
                                 "is_diverted": False})  # fmt: skip
    write(lake, "schedule", plans, day)
    write(lake, "outcomes", outcomes, day)


def weather(lake: Lake, day: str) -> None:
    rows = [{"partition": day, "origin": "EWR", "event_time": start_of(day) + timedelta(hours=hour),
             "known_at": start_of(day) + timedelta(hours=hour + 1), "temperature_f": 40.0 + hour}
            for hour in range(5, 24)]  # fmt: skip
    write(lake, "weather", rows, day)


def verdict(workspace: Workspace, table: str, day: str, decision: str) -> None:
    workspace.ledger.append(RUN, kind="quality", subject=DATASETS[table], partition=day, decision=decision,
                            effective_at=start_of(day), payload={})  # fmt: skip


@pytest.fixture
def lake(workspace: Workspace) -> Lake:
    return workspace.lake(USECASE)


def test_waits_for_reference_data_and_says_so(workspace: Workspace, lake: Lake) -> None:
    """Without the register of aircraft nothing is made, and nothing fails."""
    flights(lake, DAYS[0])
    weather(lake, DAYS[0])
    outcome = build_features(workspace, USECASE, DAYS[0], RUN)
    assert (outcome.status, outcome.reason) == ("skipped", "waiting for planes[whole]")


def test_all_due_days_in_one_commit_then_nothing(workspace: Workspace, lake: Lake) -> None:
    """One run makes all days that are there; the next finds them made; a retry names them again for their events."""
    planes(lake)
    for day in DAYS:
        flights(lake, day)
        weather(lake, day)
    outcome = build_features(workspace, USECASE, DAYS[0], RUN)
    assert (outcome.status, outcome.partitions) == ("published", tuple(DAYS))
    commits = [entry for entry in lake.history("features") if "catena.partitions" in entry]
    assert len(commits) == 1
    assert json.loads(commits[0]["catena.partitions"]) == DAYS
    assert json.loads(commits[0]["catena.input_versions"]) == {
        name: lake.version(name) for name in ("outcomes", "planes", "schedule", "weather")
    }
    for day in DAYS:
        again = build_features(workspace, USECASE, day, RUN)
        assert (again.status, again.partitions) == ("unchanged", ())
    assert build_features(workspace, USECASE, DAYS[1], RETRY).partitions == tuple(DAYS[1:])
    assert lake.version("features") == outcome.versions["features"]


def test_any_order_of_days_gives_the_same_features(workspace: Workspace, lake: Lake) -> None:
    """Days that come late are waited for, and the content does not tell in which order they came."""
    planes(lake)
    made: list[str] = []
    for index in (2, 0, 3, 1):
        flights(lake, DAYS[index])
        weather(lake, DAYS[index])
        made += build_features(workspace, USECASE, DAYS[index], RUN).partitions
    assert made == [DAYS[0], *DAYS[1:]]
    rows = lake.read("features").to_pylist()
    late = {(row["partition"], row["carrier_late_28d_share"], row["carrier_arrivals_28d_count"]) for row in rows}
    assert late == {(DAYS[0], None, 0), (DAYS[1], 1.0, 2), (DAYS[2], 1.0, 4), (DAYS[3], 1.0, 6)}
    contents = lake.contents("features", DAYS)
    lake.overwrite("features", lake.read("features", []), run=RUN, partitions=DAYS, inputs=dict.fromkeys(DAYS, 0))
    build_features(workspace, USECASE, DAYS[0], RUN)
    assert lake.contents("features", DAYS) == contents


def test_a_correction_flows_to_the_days_after_it(workspace: Workspace, lake: Lake) -> None:
    """A corrected day changes the days whose window holds it, not those before."""
    planes(lake)
    for day in DAYS:
        flights(lake, day)
        weather(lake, day)
    build_features(workspace, USECASE, DAYS[0], RUN)
    before = lake.contents("features", DAYS)
    flights(lake, DAYS[2], arrival_delay=0)
    outcome = build_features(workspace, USECASE, DAYS[2], RUN)
    after = lake.contents("features", DAYS)
    assert outcome.partitions == (DAYS[2], DAYS[3])
    assert [day for day in DAYS if before[day] != after[day]] == [DAYS[3]]


def test_weather_that_never_comes_is_null(workspace: Workspace, lake: Lake) -> None:
    """A day waits for its weather until the ledger says that there is none; then its weather is null."""
    planes(lake)
    flights(lake, DAYS[0])
    assert build_features(workspace, USECASE, DAYS[0], RUN).reason == f"waiting for weather[{DAYS[0]}]"
    verdict(workspace, "weather", DAYS[0], "NO_DATA")
    assert build_features(workspace, USECASE, DAYS[0], RUN).status == "published"
    rows = lake.read("features", [DAYS[0]]).to_pylist()
    assert [(row["temperature_f"], row["weather_age_min"]) for row in rows] == [(None, None), (None, None)]
    weather(lake, DAYS[0])
    assert build_features(workspace, USECASE, DAYS[0], RUN).partitions == (DAYS[0],)
    assert lake.read("features", [DAYS[0]])["temperature_f"].to_pylist() == [52.0, 58.0]


def test_a_day_whose_flights_failed_is_an_empty_partition(workspace: Workspace, lake: Lake) -> None:
    """Nobody waits for the features of a day that was refused; they are there, without rows."""
    planes(lake)
    weather(lake, DAYS[0])
    verdict(workspace, "schedule", DAYS[0], "FAIL")
    outcome = build_features(workspace, USECASE, DAYS[0], RUN)
    assert (outcome.status, outcome.details["rows"]) == ("published", 0)
    assert lake.contents("features", [DAYS[0]])[DAYS[0]] is not None
    assert lake.read("features", [DAYS[0]]).num_rows == 0


def test_a_day_outside_the_calendar_is_skipped(workspace: Workspace, lake: Lake) -> None:
    """A run for today, made by unpausing a DAG, ends with a reason."""
    planes(lake)
    outcome = build_features(workspace, USECASE, "2026-01-01", RUN)
    assert (outcome.status, outcome.reason) == ("skipped", "2026-01-01 lies outside the calendar of the use case")
