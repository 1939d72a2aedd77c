"""Promotions that wait for a person, under the real scheduler: silence, a refusal and an approval, month by month."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pyarrow as pa
import pytest

from catena.chain.training.train import train_candidate
from catena.declaration import Column
from catena.declared import declared_usecase
from catena.lake import arrow_schema
from catena.partitions import days, start_of
from catena.platform.airflow import ADMIN
from catena.platform.api import AirflowApi
from catena.platform.approvals import answer_question
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace

pytestmark = [
    pytest.mark.chain,
    pytest.mark.timeout(1200),
    # MLflow's own, where its client runs in this process.
    pytest.mark.filterwarnings("ignore"),
]
USECASE = declared_usecase("seattle_weather")
PROMOTE = f"{USECASE.name}.promote"
FOLLOWERS = ("score", "monitor", "report", "explore")
ROWS = 8


def test_months_wait_one_by_one_for_what_people_say(trained: Workspace, installed: Settings) -> None:
    """Nobody answers: HOLD. Somebody refuses: HOLD, with who and why. Somebody approves: PROMOTE, with who and why.

    One run is started by hand; each next month is asked by a run that the one before it started.
    """
    with AirflowApi(installed) as api:
        run = api.trigger(PROMOTE, partition_key="2012-01")
        until(lambda: asking(api), "the first question")
        assert decision(trained, "2012-02") is None
        states = {task["task_id"]: task["state"] for task in api.task_instances(PROMOTE, run)}
        assert states == {
            "judge_candidate": "success", "approve_promotion": "awaiting_input", "conclude_promotion": None,
        }  # fmt: skip
        until(lambda: decision(trained, "2012-02"), "the end of the first question")
        assert decision(trained, "2012-02").decision == "HOLD"
        assert decision(trained, "2012-02").payload["approval"]["said"] == "EXPIRED"

        answer_question(api, USECASE.name, is_approved=False, reason="holidays ahead", on_behalf_of="os:ada")
        until(lambda: decision(trained, "2012-03"), "the refusal")
        refused = decision(trained, "2012-03")
        assert (refused.decision, refused.payload["serves"]["role"]) == ("HOLD", "baseline")
        assert "holidays ahead" in refused.payload["reasons"][0]

        answer_question(api, USECASE.name, is_approved=True, reason="agreed", on_behalf_of="os:ada")
        until(lambda: decision(trained, "2012-04"), "the approval")
    approved = decision(trained, "2012-04")
    assert (approved.decision, approved.payload["serves"]["model_version"]) == ("PROMOTE", f"{USECASE.name}/3")
    said = approved.payload["approval"]
    assert (said["actor"], said["on_behalf_of"], said["reason"]) == (f"airflow:{ADMIN}", "os:ada", "agreed")
    entries = trained.ledger.entries(USECASE.name, kind="approval")
    assert [(entry.partition, entry.decision) for entry in entries] == [
        (month, state)
        for month, answered in (("2012-02", "EXPIRED"), ("2012-03", "REFUSED"), ("2012-04", "APPROVED"))
        for state in ("REQUESTED", answered)
    ]


@pytest.fixture
def trained(installed: Settings) -> Iterator[Workspace]:
    """Three months of made-up days whose label follows from a feature, trained; nobody listens to what is decided."""
    workspace = Workspace(installed)
    workspace.ledger.create()
    with AirflowApi(installed) as api:
        followers = {f"{USECASE.name}.{link}" for link in FOLLOWERS}
        until(lambda: {PROMOTE, *followers} <= api.dag_ids(), "the DAGs")
        for dag_id in sorted(followers):
            _pause(api, dag_id)
    _land(workspace)
    # Nobody searches here, and the third month would wait for that.
    without = USECASE.model_copy(update={"search": None})
    train_candidate(workspace, without, "2012-03", Run(USECASE.name, "train", "made-up"))
    yield workspace
    workspace.engine.dispose()


def decision(workspace: Workspace, month: str) -> Any:
    """Return the entry on what serves from a month on."""
    return workspace.ledger.last(USECASE.name, "promotion", "model", partition=month)


def asking(api: AirflowApi) -> bool:
    """Return whether a task rests and asks."""
    return bool(api.questions(PROMOTE))


def until(is_there: Callable[[], Any], what: str, seconds: float = 300) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not is_there():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.3)


def _pause(api: AirflowApi, dag_id: str) -> None:
    headers = dict(api._client.headers)
    answer = httpx.patch(f"{api.url}/api/v2/dags/{dag_id}", json={"is_paused": True}, headers=headers, timeout=30)
    assert answer.is_success, answer.text


def _land(workspace: Workspace) -> None:
    """Put features and outcomes of three months into the lake; the outcome is the feature and a little noise."""
    lake, window, chance = workspace.lake(USECASE), days("2012-01-01", "2012-03-31"), Random(2012)
    features: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    for day in window:
        for number in range(ROWS):
            warmth = chance.uniform(0, 20)
            at = start_of(day) + timedelta(hours=14, minutes=number)
            known = {"temperature_max_1d_c": warmth, "partition": day, "decision_at": at, "known_at": at}
            features.append(_row(USECASE.table("features").columns, {**known, "entity": f"{day}-{number}"}))
            told = {"partition": day, "day_id": f"{day}-{number}", "event_time": at, "known_at": at,
                    "temperature_max_c": warmth + chance.gauss(0, 0.5)}  # fmt: skip
            outcomes.append(_row(USECASE.table("observations").columns, told))
    for name, rows in (("features", features), ("observations", outcomes)):
        table = pa.Table.from_pylist(rows, schema=arrow_schema(USECASE.table(name)))
        run = Run(USECASE.name, "ingest", "made-up")
        lake.overwrite(name, table, run=run, partitions=window, standing="final")


def _row(columns: tuple[Column, ...], known: dict[str, Any]) -> dict[str, Any]:
    """Return a whole row: what is known, and constants for the rest."""
    constants = {"string": "rain", "int64": 1, "float64": 1.0}
    return {column.name: known[column.name] if column.name in known else constants[column.type] for column in columns}
