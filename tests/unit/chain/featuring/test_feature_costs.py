"""What sources of features cost, on two days of two flights whose ages can be told by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from catena.chain.featuring.feature_costs import feature_costs
from catena.lake import Lake, arrow_schema
from catena.partitions import start_of
from catena.run import Run
from catena.workspace import Workspace
from usecases.flight_delays import USECASE

DAYS = ("2013-01-01", "2013-01-02")
RUN = Run("flight_delays", "features", "test", code_version="test")


def write(lake: Lake, name: str, rows: list[dict[str, Any]], day: str | None = None) -> None:
    schema = arrow_schema(lake.tables[name])
    lake.overwrite(name, pa.Table.from_pylist(rows, schema=schema), run=RUN, **({"partitions": [day]} if day else {}))


@pytest.fixture
def lake(workspace: Workspace) -> Lake:
    """Flights at 14 and 20 o'clock of two days, known as landed 8 hours later; decided on an hour before."""
    lake = workspace.lake(USECASE)
    write(lake, "planes", [{"tailnum": "N1", "built_year": 2003, "seats": 100}])
    for day in DAYS:
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
                                     "arrival_delay_min": 20, "is_cancelled": False, "is_diverted": False})  # fmt: skip
        write(lake, "schedule", plans, day)
        write(lake, "outcomes", outcomes, day)
        write(lake, "weather", [], day)
    return lake


def test_costs_are_those_of_the_source(lake: Lake) -> None:
    """Decisions at 13 and 19 o'clock of the second day: the newest departures are 17 and 5 hours old, 11 on median.

    Of the trailing history, as it was at 13 o'clock, the newest row is of 4 o'clock: 9 and 15 hours, 12 on median.
    """
    at = [start_of(day) + timedelta(hours=hour) for day in DAYS for hour in (13, 19)]
    train = pd.DataFrame({
        "partition": [day for day in DAYS for _ in range(2)], "decision_at": pd.to_datetime(at, utc=True),
        "weather_age_min": [60.0, None, 70.0, 110.0], "previous_departure_age_min": [None] * 4,
    })  # fmt: skip
    found = feature_costs(lake, USECASE, USECASE.selection, train)
    assert set(found) == set(USECASE.model.features)
    assert found["temperature_f"].age_min == 70.0
    assert found["origin_backlog_3h_count"].age_min == 11 * 60
    assert found["carrier_late_7d_share"].age_min == 12 * 60
    assert (found["previous_arrival_delay_min"].age_min, found["aircraft_seats"].age_min) == (None, None)
    assert found["carrier_late_7d_share"].tables == ("outcomes",)
    assert found["origin_backlog_3h_count"].tables == ("schedule", "outcomes")
    assert found["origin_backlog_3h_count"].shares == ("previous_leg",)
    assert (found["dest"].source, found["dest"].tables, found["dest"].cpu_ms) == ("schedule", ("schedule",), None)
    assert all(cost.cpu_ms is None or cost.cpu_ms >= 0 for cost in found.values())
    assert found["origin_backlog_3h_count"].cpu_ms == found["previous_arrival_delay_min"].cpu_ms
