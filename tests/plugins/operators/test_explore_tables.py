"""The operator of explorations: which period a run means."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from catena.declared import declared_usecases
from catena_airflow.operators.explore_tables import ExploreTablesOperator

USECASE = declared_usecases()[0]


def key(**fields: str) -> str:
    given: dict[str, Any] = {"partition": "", "from_day": "", "to_day": "", "tables": "", **fields}
    return ExploreTablesOperator(task_id="explore", usecase=USECASE.name, **given).key(USECASE)


def test_a_run_means_its_month_or_the_range_that_is_asked_for() -> None:
    """A range goes before the month, and a whole month by its days is that month."""
    assert key(partition="2013-02") == "2013-02"
    assert key(partition="2013-02", from_day="2013-02-05", to_day="2013-02-20") == "2013-02-05..2013-02-20"
    assert key(from_day="2013-02-01", to_day="2013-02-28") == "2013-02"
    # A training off schedule is followed by a look at its month so far.
    assert key(partition="2013-02-14") == "2013-02-01..2013-02-14"


@pytest.mark.parametrize("days", [("2013-02-05", ""), ("", "2013-02-05"), ("2013-02-05", "2013-02-04"),
                                  ("2013-02-30", "2013-03-01")])  # fmt: skip
def test_half_a_range_is_no_range(days: tuple[str, str]) -> None:
    """What is no range fails for good, with what to do."""
    with pytest.raises(AirflowFailException):
        key(from_day=days[0], to_day=days[1])
