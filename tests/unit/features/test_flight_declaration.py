"""What the declaration of the flights' features and label promises."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from catena.features import check_view
from usecases.flight_delays import USECASE
from usecases.flight_delays.features import FEATURES, FEATURES_TABLE


@pytest.mark.parametrize(
    ("outcome", "label"),
    [
        ({"arrival_delay_min": 15}, False),
        ({"arrival_delay_min": 16}, True),
        ({"arrival_delay_min": -3}, False),
        ({"arrival_delay_min": None, "is_cancelled": True}, None),
        ({"arrival_delay_min": None, "is_diverted": True}, None),
    ],
)
def test_the_label_leaves_out_what_never_arrived(outcome: dict[str, Any], label: bool | None) -> None:
    """Late means more than 15 minutes; a cancelled and a diverted flight have no label."""
    row = {"is_cancelled": False, "is_diverted": False} | outcome
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            f"SELECT {USECASE.label.expression} FROM (SELECT $1::BIGINT AS arrival_delay_min, "
            "$2::BOOLEAN AS is_cancelled, $3::BOOLEAN AS is_diverted)",
            [row["arrival_delay_min"], row["is_cancelled"], row["is_diverted"]],
        ).fetchall()
    assert found == [(label,)]


def test_no_input_reaches_beyond_its_cut() -> None:
    """Each declared column is known when its input is cut."""
    check_view(FEATURES, {table.name: table for table in USECASE.tables})


def test_columns_carry_their_unit() -> None:
    """A number's name ends in its unit, or names a count, a share, or a place in the day or the week."""
    endings = ("_min", "_f", "_pct", "_deg", "_mph", "_in", "_mbar", "_miles", "_share", "_count", "_years", "_seats")
    endings += ("_engines", "_hour", "_weekday")
    numbers = [column.name for column in FEATURES_TABLE.columns if column.type in ("int64", "float64")]
    assert [name for name in numbers if not name.endswith(endings)] == []


def test_no_feature_knows_the_outcome_or_the_date() -> None:
    """No column of the outcome, nor the month or the day, is a feature by name."""
    outcome = {column.name for column in USECASE.table("outcomes").columns}
    schedule = {column.name for column in USECASE.table("schedule").columns}
    names = {column.name for column in FEATURES_TABLE.columns}
    assert names & (outcome - schedule) == set()
    assert names & {"month", "day", "year", "date", "partition_number"} == set()
