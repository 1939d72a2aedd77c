"""The operators of the search, where there is no data: training hears of the month, whatever is to be searched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import Asset

from catena.declared import declared_usecase
from catena.workspace import Workspace
from catena_airflow.operators.conclude_search import FailSearchOperator
from catena_airflow.operators.plan_search import PlanSearchOperator

SEARCH = Asset(name="search", uri="lake://x/search")


@pytest.fixture(autouse=True)
def _here(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catena.workspace.Workspace", lambda: workspace)


@pytest.mark.parametrize("month", ["2013-01", "2013-04"])
def test_a_plan_without_work_maps_over_nothing_and_tells_training(make_context: Callable[..., Any], month: str) -> None:
    """Not due, or due without its days: no family is searched, and training is told, which reads what it waits for."""
    given = make_context()
    operator = PlanSearchOperator(task_id="plan_search", usecase="flight_delays", partition=month, outlets=[SEARCH])
    assert operator.execute(given) == []
    event = given["outlet_events"][SEARCH]
    assert set(event.partition_keys) == {month}
    assert event.extra["families"] == []


def test_a_breakdown_before_any_search_is_told_and_leaves_no_entry(
    make_context: Callable[..., Any], workspace: Workspace
) -> None:
    """A plan that broke down where no search could be made yet tells training of its month, and nothing is FAILED."""
    given = make_context()
    operator = FailSearchOperator(task_id="fail", usecase="flight_delays", partition="2013-04", outlets=[SEARCH])
    operator.execute(given)
    assert set(given["outlet_events"][SEARCH].partition_keys) == {"2013-04"}
    assert workspace.ledger.entries(declared_usecase("flight_delays").name, kind="search") == []
