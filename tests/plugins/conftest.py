"""Airflow for the tests of its skin: a home of its own, no database, no scheduler."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# Airflow reads its home when it is first imported, which is before any fixture runs.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="catena-airflow-")
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{Path(os.environ['AIRFLOW_HOME']) / 'unused.db'}"
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


@pytest.fixture
def make_context() -> Callable[..., Any]:
    """Return a function that makes a task's context: small, but with Airflow's own accessors for asset events.

    `outcomes` are what the tasks before returned, by task id.
    """

    def make(try_number: int = 1, outcomes: dict[str, dict[str, Any]] | None = None) -> Any:
        from airflow.sdk.execution_time.context import OutletEventAccessors

        known = outcomes or {}
        task_instance = SimpleNamespace(try_number=try_number, xcom_pull=lambda task_ids: [*map(known.get, task_ids)])
        return {"run_id": "manual__1", "ti": task_instance, "outlet_events": OutletEventAccessors()}

    return make
