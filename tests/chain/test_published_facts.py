"""Three months of flights, landed in one pass: the counts that anybody can check against the published data set."""

from __future__ import annotations

from typing import Any

import pytest

from catena.chain.ingesting.ingest import ingest_dataset
from catena.declared import declared_usecase
from catena.partitions import days, days_of_month
from catena.run import Run
from catena.workspace import Workspace

pytestmark = [pytest.mark.chain, pytest.mark.timeout(900)]
USECASE = declared_usecase("flight_delays")


@pytest.fixture(scope="module")
def landed(quarter: Workspace) -> Workspace:
    """January to March, each dataset landed in one pass."""
    workspace = quarter
    for dataset in USECASE.partitioned_datasets:
        run = Run(USECASE.name, "ingest", f"quarter-{dataset.name}")
        outcome = ingest_dataset(workspace, USECASE, dataset.name, days("2013-01-01", "2013-03-31"), run)
        assert outcome.status == "published", outcome.reason
        assert len(outcome.partitions) == 90
    return workspace


@pytest.mark.parametrize(
    ("month", "flights", "without_arrival_delay", "cancelled"),
    [("2013-01", 27_004, 606, 521), ("2013-02", 24_951, 1_340, 1_261), ("2013-03", 28_834, 932, 861)],
)
def test_flights_of_a_month(
    landed: Workspace, month: str, flights: int, without_arrival_delay: int, cancelled: int
) -> None:
    """Each flight of the data set is in both clean tables, once, with its cancellations and diversions."""
    lake = landed.lake(USECASE)
    outcomes = lake.read("outcomes", days_of_month(month))
    schedule = lake.read("schedule", days_of_month(month))
    assert (outcomes.num_rows, len(set(outcomes["flight_id"].to_pylist()))) == (flights, flights)
    assert set(schedule["flight_id"].to_pylist()) == set(outcomes["flight_id"].to_pylist())
    assert outcomes["arrival_delay_min"].null_count == without_arrival_delay
    assert sum(outcomes["is_cancelled"].to_pylist()) == cancelled


def test_impossible_wind_is_in_quarantine(landed: Workspace) -> None:
    """The 1,048 mph of Newark's 12 February is taken out, with reason and the row as it came."""
    quarantined = landed.lake(USECASE).read("quarantine").to_pylist()
    wind: list[dict[str, Any]] = [row for row in quarantined if row["dataset"] == "weather"]
    assert [row["partition"] for row in wind] == ["2013-02-12"]
    assert "wind_speed" in wind[0]["reason"]
    assert "1048" in wind[0]["row"]
    speeds = landed.lake(USECASE).read("weather", ["2013-02-12"])["wind_speed_mph"].to_pylist()
    assert max(speed for speed in speeds if speed is not None) < 100


def test_no_row_is_lost(landed: Workspace) -> None:
    """For each day and dataset, the rows that came in are those published and those in quarantine."""
    lake = landed.lake(USECASE)
    quarantined: dict[tuple[str, str], int] = {}
    for row in lake.read("quarantine").to_pylist():
        key = (row["dataset"], row["partition"])
        quarantined[key] = quarantined.get(key, 0) + 1
    counted = {"flights": "schedule", "weather": "weather"}
    rows: dict[tuple[str, str], int] = {}
    for dataset, table in counted.items():
        for day in lake.read(table, columns=["partition"])["partition"].to_pylist():
            rows[dataset, day] = rows.get((dataset, day), 0) + 1
    verdicts = [e for e in landed.ledger.entries(USECASE.name, kind="quality") if e.subject in counted]
    assert len(verdicts) == 180
    for verdict in verdicts:
        key = (verdict.subject, verdict.partition)
        assert verdict.payload["rows_in"] == rows.get(key, 0) + quarantined.get(key, 0), key
        assert verdict.payload["rows_quarantined"] == quarantined.get(key, 0), key
