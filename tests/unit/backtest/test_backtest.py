"""Backfill is backtest: what a policy did in the past equals the days lived one by one, apart from the real ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from catena.backtest.compare import Asked, RangeRefused, backtest
from catena.backtest.evidence import card_of_policy
from catena.backtest.ground import Ground, ground_settings
from catena.backtest.plan import Peer, Plan, PlanRefused, Policy, plan_of
from catena.backtest.tables import missing_days
from catena.chain.deciding.promote import promote_candidate
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.declaration import Calendar, Gate, Monitoring
from catena.declared import declared_usecases
from catena.partitions import days, last_day_of, month_of

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
FIRST, LAST = "2024-01-01", "2024-03-05"
MONTHLY = Policy(name="monthly", says="monthly", retrain="monthly")
NEVER = Policy(name="never", says="never", retrain="never")
LINEAR = Peer(name="linear", says="linear model", kind="linear")


@pytest.fixture
def watched(usecase):
    """The toys, measured over a week; a refresh of the same recipe passes the gate."""
    gate = Gate(metric="roc_auc", refresh_margin=0.2)
    return usecase.model_copy(update={"monitoring": Monitoring(trailing_days=7), "gate": gate})


@pytest.fixture
def registry(empty_mlflow):
    """Return a function that gives a backtest's folder a registry without content: making one takes seconds."""

    def put(workspace, period):
        folder = workspace.settings.home / "backtests" / "toys" / period
        made = folder / f"registry_{uuid4().hex[:8]}"
        made.mkdir(parents=True)
        shutil.copy(empty_mlflow, made / "mlflow.db")
        return folder

    return put


def live(workspace, usecase, land, run_of, span):
    """Let the days come one by one, each scored on its day, each month trained and decided when it is over.

    They are not measured: without a guard nothing follows from it.
    """
    for day in span:
        land([day])
        if day >= "2024-02-01":
            score_partition(workspace, usecase, day, run_of("score"))
        if day == last_day_of(month_of(day)):
            train_candidate(workspace, usecase, month_of(day), run_of("train"))
            promote_candidate(workspace, usecase, month_of(day), run_of("promote"))


def predictions(workspace, usecase):
    """Return the bits of each score, and which training made it."""
    trained = {
        entry.payload["model_version"]: (entry.partition, entry.payload["fingerprints"][entry.payload["model_version"]])
        for entry in workspace.ledger.entries("toys", kind="candidate")
    }
    rows = workspace.lake(usecase).read("predictions").to_pylist()
    return {(row["partition"], row["entity"]): (row["score"].hex(), *trained[row["model_version"]]) for row in rows}


def test_the_days_of_a_backtest_equal_the_same_days_lived(local, watched, land, run_of, registry, tmp_path):
    """Every score is the same to the bit, by models with the same parameters, trained on the same months."""
    live(local, watched, land, run_of, days(FIRST, LAST))
    folder = registry(local, f"{FIRST}..{LAST}")
    asked = Asked(FIRST, LAST, Plan(policies=(MONTHLY,)), keep=True)
    found = backtest(local, watched, asked, lambda _: None)
    ground = Ground(ground_settings(local.settings, folder, "monthly"))
    lived, tested = predictions(local, watched), predictions(ground, watched)
    assert len(lived) == 20 * len(days("2024-02-01", LAST))
    assert tested == lived
    assert {training for _, training, _ in tested.values()} == {"2024-01", "2024-02"}
    verdicts = [
        [(entry.partition, entry.decision, entry.payload["reasons"]) for entry in each.ledger.entries(
            "toys", kind="promotion")] for each in (ground, local)]  # fmt: skip
    # Times to score are measured, and part of no reason here.
    assert verdicts[0] == verdicts[1]
    (policy,) = found.result["policies"]
    assert policy["trainings"] == ["2024-01", "2024-02"]
    assert [spell["trained_on"] for spell in policy["served"]] == [
        version[:7] for version in dict.fromkeys(training for _, training, _ in lived.values())]  # fmt: skip
    # Of the policy's life, the chain's other links make the evidence up: by no person's hand, and once.
    calendar = Calendar(first=FIRST, last=LAST)
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / watched.features.sql).write_text("SELECT 1", encoding="utf-8")
    watched = watched.model_copy(update={"folder": tmp_path})
    scored = card_of_policy(local, watched, calendar, MONTHLY, lambda _: None)
    once = ("model-4", "infrastructure-1", "infrastructure-4", "infrastructure-6", "infrastructure-7")
    assert {test: scored.card.scores[test] for test in once} == dict.fromkeys(once, 1.0)
    entries = len(ground.ledger.entries("toys"))
    assert card_of_policy(local, watched, calendar, MONTHLY, lambda _: None).issued.status == "unchanged"
    assert len(ground.ledger.entries("toys")) == entries
    ground.close()


def test_it_touches_nothing_and_comes_out_again(local, watched, land, registry):
    """The real ledger gets one entry, however often it runs; lakes, databases and registry stay as they were."""
    land(days(FIRST, "2024-02-10"))
    tables = {name: local.lake(watched).version(name) for name in ("features", "outcomes", "predictions", "health")}
    asked = Asked(FIRST, "2024-02-10", Plan(policies=(NEVER,), peers=(LINEAR,)))
    results = []
    for _ in range(2):
        folder = registry(local, f"{FIRST}..2024-02-10")
        found = backtest(local, watched, asked, lambda _: None)
        assert not folder.exists()
        results.append({
            kind: [{name: value for name, value in item.items() if name != "cpu"} for item in found.result[kind]]
            for kind in ("policies", "peers")})  # fmt: skip
    assert results[0] == results[1]
    (entry,) = local.ledger.entries("toys")
    assert (entry.kind, entry.decision, entry.partition) == ("backtest", "COMPARED", "2024-01-01..2024-02-10")
    assert entry.payload["policies"][0]["months"]["2024-02"]["rows"] == 10 * 20
    # The label is a coin with bias u, u uniform: the best AUC is 5/6.
    assert 0.7 < entry.payload["peers"][0]["summary"]["roc_auc_mean"] < 0.95
    assert set(entry.payload["inputs"]) == {"features", "outcomes"}
    assert tables == {name: local.lake(watched).version(name) for name in tables}
    with local.engine.connect() as connection:
        databases = connection.execute(text("SELECT datname FROM pg_database")).scalars().all()
    mine = local.engine.url.database
    assert [name for name in databases if name.startswith(f"{mine}_backtest")] == []
    page = local.settings.pages / entry.payload["path"]
    assert entry.payload["path"] in (local.settings.pages / "index.html").read_text(encoding="utf-8")
    assert "mean" in page.read_text(encoding="utf-8")
    assert json.loads((page.parent / "backtest.json").read_text(encoding="utf-8"))["first"] == FIRST


def test_no_day_is_seen_before_it_came(local, watched, land):
    """Beyond its horizon a ground has no rows, no contents and no partitions; what is asked for stays missing."""
    land(days(FIRST, "2024-01-10"))
    ground = Ground(local.settings)
    ground.horizon = "2024-01-04"
    lake = ground.lake(watched)
    assert lake.partitions("features") == days(FIRST, "2024-01-04")
    assert lake.contents("outcomes", ["2024-01-04", "2024-01-05"])["2024-01-05"] is None
    assert set(lake.read("features").column("partition").to_pylist()) == set(days(FIRST, "2024-01-04"))
    assert lake.read("outcomes", ["2024-01-05"]).num_rows == 0
    limited = watched.model_copy(update={"calendar": watched.calendar.model_copy(update={"last": "2024-01-05"})})
    assert missing_days(ground, limited) == ["features[2024-01-05]", "outcomes[2024-01-05]"]
    assert missing_days(local, limited) == []
    ground.engine.dispose()


def test_plans():
    """Every use case has a plan with all ways to retrain that it can be asked for, and a policy without a gate."""
    for declared in declared_usecases():
        plan = plan_of(declared, None)
        on_drift = {"drift"} if declared.monitoring.retraining else set()
        assert {policy.retrain for policy in plan.policies} == {"never", "weekly", "monthly", *on_drift}
        assert {policy.gate for policy in plan.policies} == {True, False}
        # What the chain itself would ask for, unless the plan says otherwise.
        assert {policy.retraining for policy in plan.policies} <= {None, declared.monitoring.retraining}
    with pytest.raises(PlanRefused, match=r"no plan .*nowhere\.toml"):
        plan_of(declared, Path("nowhere.toml"))


def test_training_on_drift_needs_alarms_that_somebody_declared(tmp_path, usecase):
    """A plan of one's own may declare them; where neither it nor the use case does, the plan is refused."""
    file = tmp_path / "plan.toml"
    policy = "[[policies]]\nname = 'drift'\nsays = 'on drift'\nretrain = 'drift'\n"
    file.write_text(policy, encoding="utf-8")
    with pytest.raises(PlanRefused, match="no alarm of toys asks for a training: declare `retraining`"):
        plan_of(usecase, file)
    file.write_text(f"{policy}retraining = {{on = ['psi'], reason = 'r'}}\n", encoding="utf-8")
    (found,) = plan_of(usecase, file).policies
    assert found.retraining.on == ("psi",)
    file.write_text(file.read_text(encoding="utf-8").replace("'drift'\nretraining", "'never'\nretraining"),
                    encoding="utf-8")  # fmt: skip
    with pytest.raises(PlanRefused, match="drift declares alarms, and trains never"):
        plan_of(usecase, file)


@pytest.mark.parametrize("text_", ["policies = 3", "[[policies]]\nname = 'a'", "no toml"])
def test_what_is_no_plan_is_refused(tmp_path, text_):
    """A wrong file ends before anything is computed."""
    file = tmp_path / "plan.toml"
    file.write_text(text_, encoding="utf-8")
    with pytest.raises(PlanRefused, match=r"plan\.toml"):
        plan_of(declared_usecases()[0], file)


def test_a_range_without_a_month_to_serve_in_is_refused(local, watched):
    """The first month is learned from; a day outside the calendar has no data."""
    for first, last in (("2024-01-01", "2024-01-31"), ("2023-12-01", "2024-02-29")):
        with pytest.raises(RangeRefused):
            backtest(local, watched, Asked(first, last, Plan(policies=(NEVER,))), lambda _: None)
