"""The operator of the upkeep: one use case, no asset events, a skip where nothing was to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from structlog.testing import capture_logs

from catena.declared import declared_usecases
from catena.lake import arrow_schema
from catena.run import Outcome, Run
from catena.settings import settings
from catena.workspace import Workspace
from catena_airflow.operators.maintain_tables import MaintainTablesOperator

USECASE = declared_usecases()[0]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CATENA_HOME", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def operator(hours: str = "") -> MaintainTablesOperator:
    return MaintainTablesOperator(task_id="maintain", usecase=USECASE.name, retention_hours=hours)


def test_tables_in_order_are_a_skip(make_context: Callable[..., Any]) -> None:
    """An empty lake, and one that was maintained already, skip and say why."""
    with pytest.raises(AirflowSkipException, match="0 tables need nothing"):
        operator().execute(make_context())
    lake = Workspace().lake(USECASE)
    rows = arrow_schema(lake.tables["quarantine"]).empty_table()
    lake.overwrite("quarantine", rows, run=Run("u", "l", "r"), partitions=["2013-01-01"], within={"dataset": "d"})
    result = operator("24").execute(make_context())
    assert json.loads(json.dumps(result)) == result
    assert (result["status"], result["details"]["retention_hours"]) == ("published", 24)
    with pytest.raises(AirflowSkipException, match="1 tables need nothing"):
        operator().execute(make_context())


def test_what_a_writer_kept_from_being_done_is_said(make_context: Callable[..., Any]) -> None:
    """A table whose writer was faster is a warning in the log, and no failure."""
    done = Outcome("published", "r", details={"conflicts": ["t"], "tables": {"t": {"conflict": "overtaken"}}})
    with capture_logs() as said:
        operator().announce(make_context(), done)
    assert [line["log_level"] for line in said] == ["warning"]
    assert "overtaken" in str(said)
