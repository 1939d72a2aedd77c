"""Promotions that wait for a person, under the real scheduler: silence, a refusal and an approval, month by month.

And what an alarm asks for off schedule, which waits for a person, too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pyarrow as pa
import pytest

from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.monitor import monitor_partition
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
PROMOTE, TRAIN = f"{USECASE.name}.promote", f"{USECASE.name}.train"
# At whose end the training off schedule is cut.
DAY = "2012-04-14"
FOLLOWERS = ("score", "monitor", "report", "explore")
UP_TO_MARCH, APRIL = days("2012-01-01", "2012-03-31"), days("2012-04-01", "2012-04-18")
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

        answer_question(
            api, USECASE.name, is_approved=False, reason="holidays ahead", on_behalf_of="os:ada", timeout_seconds=300
        )
        until(lambda: decision(trained, "2012-03"), "the refusal")
        refused = decision(trained, "2012-03")
        assert (refused.decision, refused.payload["serves"]["role"]) == ("HOLD", "baseline")
        assert "holidays ahead" in refused.payload["reasons"][0]

        answer_question(
            api, USECASE.name, is_approved=True, reason="agreed", on_behalf_of="os:ada", timeout_seconds=300
        )
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


def test_a_confirmed_alarm_is_trained_approved_and_scored_off_schedule(trained: Workspace, installed: Settings) -> None:
    """From April on it is 22 degrees warmer than the champion knows. What follows, follows by itself.

    The mean error of 28 days passes 4 degrees on the fourth of them: (24 * 1.5 + 4 * 22) / 28 is 4.4, one day less
    3.7. It is confirmed on the 6th; March's training was cut on the 31st, so that for 14 days nobody asks. On the 14th
    a training is asked for, is cut, passes the gate and is approved; from the 15th on its model serves. The alarm goes
    on standing, since its window holds the days before, and asks for nothing in the cool-down.
    """
    assert decision(trained, "2012-04").payload["serves"]["model_version"] == f"{USECASE.name}/3"
    run = Run(USECASE.name, "score", "made-up")
    for month in ("2012-02", "2012-03"):
        score_partition(trained, USECASE, month, run)
        monitor_partition(trained, USECASE, month, run)
    _land(trained, APRIL, warmer=22.0)
    with AirflowApi(installed) as api:
        for link in ("score", "monitor"):
            api.unpause(f"{USECASE.name}.{link}")
        begun = len(api.runs([TRAIN]))
        api.trigger(f"{USECASE.name}.score", partition_key="2012-04")
        answer_question(api, USECASE.name, is_approved=True, reason="warm", on_behalf_of="os:ada", timeout_seconds=300)
        until(lambda: health_of(trained, APRIL[-1]) == f"{USECASE.name}/4", "the last day, scored and measured anew")
        # Its alarms are raised after it was measured.
        until(lambda: is_at_rest(api, "score", "monitor", "train", "promote"), "the end of all runs")
        asset = next(item for item in api._pages("/api/v2/assets", "assets")
                     if item["name"] == f"{USECASE.name}.retraining")  # fmt: skip
        api._call("POST", "/api/v2/assets/events", json={"asset_id": asset["id"], "partition_key": DAY})
        until(lambda: len(api.runs([TRAIN])) == begun + 2, "the run of the second event")
        until(lambda: is_at_rest(api, "train", "promote"), "the end of that run")
        runs = api.runs([TRAIN])[begun:]
        assert [(run["partition_key"], run["state"]) for run in runs] == [(DAY, "success")] * 2
        again = {task["task_id"]: task["state"] for task in api.task_instances(TRAIN, runs[1]["dag_run_id"])}
        assert again["train_candidate"] == "skipped"

    ledger = trained.ledger
    entries = sorted(ledger.entries(USECASE.name, kind="alarm"), key=lambda entry: entry.id)
    alarms = [(entry.subject, entry.partition, entry.decision) for entry in entries if entry.subject != "psi:score"]
    assert alarms == [
        ("mae", "2012-04-04", "RAISED"), ("mae", "2012-04-06", "CONFIRMED"), ("retraining", DAY, "ASKED"),
    ]  # fmt: skip
    candidates = [entry.partition for entry in ledger.entries(USECASE.name, kind="candidate", subject="model")]
    assert candidates == ["2012-01", "2012-02", "2012-03", DAY]
    decided = decision(trained, "2012-04-15")
    assert (decided.decision, decided.payload["training_month"]) == ("PROMOTE", DAY)
    assert (decided.payload["serves"]["model_version"], decided.payload["approval"]["reason"]) == (
        f"{USECASE.name}/4", "warm",
    )  # fmt: skip
    rows = trained.lake(USECASE).read("predictions", APRIL).to_pylist()
    # Revisions are kept: the days after were scored by the champion first, then anew by what was decided.
    served = Counter((row["model_version"], row["revision"], row["partition"] > DAY) for row in rows)
    champion, new = (f"{USECASE.name}/{number}" for number in (3, 4))
    assert served == {(champion, 1, False): 14 * ROWS, (champion, 1, True): 4 * ROWS, (new, 2, True): 4 * ROWS}


def health_of(workspace: Workspace, day: str) -> str | None:
    """Return the model by which a day was measured."""
    rows = workspace.lake(USECASE).read("health", [day]).to_pylist()
    return rows[0]["model_version"] if rows else None


def is_at_rest(api: AirflowApi, *links: str) -> bool:
    """Return whether no run of the links goes on."""
    states = api.run_states([f"{USECASE.name}.{link}" for link in links])
    return not any(count for found in states.values() for state, count in found.items()
                   if state in {"queued", "running"})  # fmt: skip


@pytest.fixture(scope="module")
def trained(installed: Settings) -> Iterator[Workspace]:
    """Three months of made-up days whose label follows from a feature, trained; nobody listens to what is decided."""
    workspace = Workspace(installed)
    workspace.ledger.create()
    with AirflowApi(installed) as api:
        followers = {f"{USECASE.name}.{link}" for link in FOLLOWERS}
        until(lambda: {PROMOTE, *followers} <= api.dag_ids(), "the DAGs")
        for dag_id in sorted(followers):
            _pause(api, dag_id)
    _land(workspace, UP_TO_MARCH)
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


def _land(workspace: Workspace, window: list[str], *, warmer: float = 0.0) -> None:
    """Put features and outcomes of days into the lake; the outcome is the feature, a shift and a little noise.

    One feature tells the days with a shift from those without, so that a model can learn them.
    """
    lake, chance = workspace.lake(USECASE), Random(2012)
    features: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    for day in window:
        for number in range(ROWS):
            # The mean of a month, which serves first, is off by a degree and a half: no alarm.
            warmth = chance.uniform(0, 6)
            at = start_of(day) + timedelta(hours=14, minutes=number)
            known = {"temperature_max_1d_c": warmth, "season_sine": warmer, "partition": day, "decision_at": at,
                     "known_at": at, "entity": f"{day}-{number}"}  # fmt: skip
            features.append(_row(USECASE.table("features").columns, known))
            told = {"partition": day, "day_id": f"{day}-{number}", "event_time": at, "known_at": at,
                    "temperature_max_c": warmth + warmer + chance.gauss(0, 0.5)}  # fmt: skip
            outcomes.append(_row(USECASE.table("observations").columns, told))
    for name, rows in (("features", features), ("observations", outcomes)):
        table = pa.Table.from_pylist(rows, schema=arrow_schema(USECASE.table(name)))
        run = Run(USECASE.name, "ingest", "made-up")
        lake.overwrite(name, table, run=run, partitions=window, standing="final")


def _row(columns: tuple[Column, ...], known: dict[str, Any]) -> dict[str, Any]:
    """Return a whole row: what is known, and constants for the rest."""
    constants = {"string": "rain", "int64": 1, "float64": 1.0}
    return {column.name: known[column.name] if column.name in known else constants[column.type] for column in columns}
