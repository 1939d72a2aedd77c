"""The operator of a rollback that a person asks for in the UI."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException

from catena.declared import declared_usecases
from catena.workspace import Workspace
from catena_airflow.operators.roll_back_model import RollBackModelOperator


def test_what_cannot_be_rolled_back_fails_at_once_and_says_why(
    make_context: Callable[..., Any], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry does not make a version serve that never did; nobody downstream hears of it."""
    monkeypatch.setattr("catena.workspace.Workspace", lambda: workspace)
    champion = Asset(name="champion", uri="lake://x/champion")
    candidate = Asset(name="candidate", uri="lake://x/candidate")
    operator = RollBackModelOperator(
        task_id="roll_back_model", usecase=declared_usecases()[0].name, champion=champion, candidate=candidate,
        to_version="", from_day="", reason="complaints",
    )  # fmt: skip
    given = make_context()
    given["dag_run"] = SimpleNamespace(triggering_user_name="ada")
    with pytest.raises(AirflowFailException, match="nothing was decided"):
        operator.execute(given)
    assert set(given["outlet_events"][champion].partition_keys) == set()
