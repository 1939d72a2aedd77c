"""The link `explore` on real flights: what it says, that every number stands, and when it rings."""

from __future__ import annotations

import html
import random
import re
import statistics
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from catena.chain.exploring.explore import UnknownTable, explore, verify_exploration
from catena.insights import ask
from catena.insights.exploration import split
from catena.partitions import days
from catena.reports import evidence_of, numbers_of


def test_real_flights_are_silent(explored: Any) -> None:
    """No alarm on the real features; without a training set to judge they are not called clear either."""
    entry = explored.entry()
    assert (entry.decision, "No sign of leakage" in entry.payload["headline"]) == ("PARTIAL", True)
    checks = {check["how"]: check for check in entry.payload["checks"]}
    assert [check["verdict"] for check in checks.values()] == ["CLEAR"] * 4 + ["NOT_CHECKED"]
    assert checks["made again at the cut and compared"]["checked"] > 60


def test_every_number_can_be_produced_again(explored: Any) -> None:
    """Each number on the page comes out of its query and statistic again, at the pinned versions."""
    assert len(numbers_of(explored.page())) > 500
    assert verify_exploration(explored.workspace, explored.usecase, explored.period) == []


def test_figures_agree_with_a_count_by_hand(explored: Any) -> None:
    """Rows, missing and distinct values, median, and the rate of an airport are those of the rows themselves."""
    queries = evidence_of(explored.page())["numbers"]
    names = [column.name for column in explored.usecase.table("outcomes").columns if column.name != "partition"]
    rows = explored.lake.read("outcomes").to_pylist()
    delays = [row["arrival_delay_min"] for row in rows if row["arrival_delay_min"] is not None]
    place = names.index("arrival_delay_min")

    def shown(query: str, column: str, row: int) -> Any:
        return next(n["value"] for n in queries.values() if (n["query"], n["column"], n["row"]) == (query, column, row))

    assert shown("rows_outcomes", "rows", 0) == len(rows)
    assert shown("columns_outcomes", "missing_share", place) == pytest.approx(1 - len(delays) / len(rows))
    assert shown("columns_outcomes", "distinct_values", place) == len(set(delays))
    assert shown("columns_outcomes", "median", place) == statistics.median(delays)
    assert shown("columns_outcomes", "maximum", place) == max(delays)
    landed = [row for row in rows if row["arrival_delay_min"] is not None and row["origin"] == "EWR"]
    rate = sum(row["arrival_delay_min"] > 15 for row in landed) / len(landed)
    assert shown("target_by_origin", "label_mean", 0) == pytest.approx(rate)


def test_no_number_stands_without_evidence(explored: Any) -> None:
    """Outside cited numbers, charts, quotations and declared names, the page shows no digit."""
    page = explored.page()
    for element in ("script", "style", "svg", "details", "q", "code", "title", "nav"):
        page = re.sub(rf"<{element}\b.*?</{element}>", "", page, flags=re.DOTALL)
    page = re.sub(r'<span class="n[^>]*>[^<]*</span>', "", page)
    words = html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("1 January 2013 to 8 January 2013", "")
    assert (
        re.findall(r".{20}\d.{10}", words.replace("Arrives more than 15 minutes", "").replace("than 15 minutes", ""))
        == []
    )


def test_the_same_inputs_give_the_page_once_and_the_same_bytes(flights: Any) -> None:
    """Unchanged inputs write nothing; a lost page comes back byte for byte; a changed day gives a new one."""
    only = ["weather", "schedule"]
    first = flights.explore(only)
    page = flights.page(only)
    again = flights.explore(only)
    assert (again.status, again.partitions, again.details["verdict"]) == ("unchanged", (), "PROFILED")
    Path(first.details["path"]).unlink()
    assert flights.explore(only).status == "published"
    assert flights.page(only) == page
    assert len(flights.workspace.ledger.entries("flight_delays", kind="exploration")) == 1
    weather = flights.lake.read("weather", ["2013-01-05"])
    flights.lake.overwrite("weather", weather.slice(1), run=flights.run, partitions=["2013-01-05"], standing="final")
    assert flights.explore(only).status == "published"
    assert flights.page(only) != page
    assert verify_exploration(flights.workspace, flights.usecase, flights.period, only) == []


def test_what_is_known_only_later_rings(flights: Any) -> None:
    """Time in the air, the clock time of the arrival, and the delay ring, each as what it is; nothing else does.

    Features that hold them are not what their SQL makes. Time in the air is a copy of what is known after landing. The
    arrival says little alone; beside the schedule it is the delay, and the schedule beside it.
    """
    flights.replace_feature("aircraft_seats", "o.air_time_min")
    came = "(f.departure_local_min + f.scheduled_duration_min + o.arrival_delay_min) % 1440"
    flights.replace_feature("aircraft_engines", came)
    flights.replace_feature("aircraft_type", "CASE WHEN o.arrival_delay_min > 15 THEN 'x' ELSE 'y' END")
    assert flights.explore(["features"]).details["verdict"] == "ALARM"
    assert flights.alarms("profile:features") == {
        *(("knows_the_future", name, "differing") for name in ("aircraft_seats", "aircraft_engines", "aircraft_type")),
        ("knows_the_future", "aircraft_seats", "agreement"),
        *(("too_good", name, "beyond") for name in ("aircraft_engines", "departure_local_hour", "departure_local_min")),
        ("too_good", "aircraft_type", "alone"),
    }
    entry = flights.entry("profile:features")
    assert "Signs of leakage" in entry.payload["headline"]
    assert "is the same as outcomes.air_time_min" in flights.page(["features"])


def test_a_random_split_rings_and_one_in_time_does_not() -> None:
    """Rows that are shared out by chance lie in each other's time; the declared split does not."""
    names = [(day, f"{day}-{k}") for day in days("2013-01-01", "2013-01-28") for k in range(5)]

    def judged(parts: list[str]) -> dict[str, Any]:
        at = [f"{day} 08:00:00+00" for day, _ in names]
        rows = pa.table({
            "part": parts, "partition": [day for day, _ in names], "entity": [key for _, key in names],
            "decision_at": at, "label_known_at": at,
        })  # fmt: skip
        return ask(split("flight_delays/2013-01@0"), {"split": rows})[0]

    in_time = judged(["train" if day < "2013-01-22" else "holdout" for day, _ in names])
    assert (in_time["shared_entities"], in_time["before_train_ends"], in_time["late_labels"]) == (0, 0, 0)
    chance = random.Random(1)
    by_chance = judged([chance.choice(["train", "train", "holdout"]) for _ in names])
    assert by_chance["before_train_ends"] > 20
    assert by_chance["late_labels"] > 20


def test_chosen_tables_have_a_page_of_their_own(flights: Any) -> None:
    """Only the chosen table is read and shown, without leakage; an unknown one is refused by name."""
    outcome = flights.explore(["weather"])
    assert (outcome.status, outcome.details["verdict"]) == ("published", "PROFILED")
    page = flights.page(["weather"])
    assert 'id="weather"' in page
    assert 'id="leakage"' not in page
    assert set(evidence_of(page)["queries"]["columns_weather"]["tables"]) == {"weather"}
    assert flights.entry("profile:weather").decision == "PROFILED"
    index = (flights.workspace.settings.pages / "index.html").read_text(encoding="utf-8")
    assert f"flight_delays/explorations/{flights.period}.weather.html" in index
    with pytest.raises(UnknownTable, match=r"trains.*schedule"):
        flights.explore(["trains"])


def test_it_waits_for_each_day(flights: Any) -> None:
    """A day that is not there, and is not known to stay absent, is named; nothing is written."""
    outcome = explore(flights.workspace, flights.usecase, "2013-01", flights.run)
    assert (outcome.status, "schedule[2013-01-09]" in outcome.reason) == ("skipped", True)
    assert flights.workspace.ledger.entries("flight_delays", kind="exploration") == []
    assert explore(flights.workspace, flights.usecase, "2014-01", flights.run).status == "skipped"


def test_days_without_rows_are_explored_too(flights: Any) -> None:
    """Where nothing happened the page says so, and leakage counts as not looked for."""
    span = days(flights.first, flights.last)
    for name in ("outcomes", "features"):
        flights.lake.overwrite(name, flights.lake.read(name, []), run=flights.run, partitions=span, standing="final")
    outcome = flights.explore(["features"])
    assert (outcome.status, outcome.details["verdict"]) == ("published", "PROFILED")
    assert {check["verdict"] for check in flights.entry("profile:features").payload["checks"]} == {"NOT_CHECKED"}
    assert "holds nothing for these days" in flights.page(["features"])
