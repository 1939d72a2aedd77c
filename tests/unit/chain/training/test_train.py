"""The training link: order, readiness, idempotence, failure and what it records."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catena.chain.training.train import train_candidate
from catena.chain.training.training_data import TrainingTables, open_registry
from catena.partitions import days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")


def candidates(workspace):
    return {entry.partition: entry for entry in workspace.ledger.entries("toys", kind="candidate")}


@pytest.fixture
def versions_of(local):
    def count(name):
        client = open_registry(local.settings)._client
        return sorted(int(item.version) for item in client.search_model_versions(f"name = '{name}'"))

    return count


def test_a_trained_month_is_recorded_with_its_evidence(local, usecase, land, run_of, versions_of):
    """A candidate's entry says which version, which rows and which table versions; the same month is not made twice."""
    land(JANUARY)
    outcome = train_candidate(local, usecase, "2024-01", run_of("train"))
    assert (outcome.status, outcome.partitions) == ("published", ("2024-01",))
    entry = candidates(local)["2024-01"]
    assert entry.decision == "TRAINED"
    assert entry.effective_at == datetime(2024, 2, 1, tzinfo=UTC)
    assert entry.payload["model_version"] == "toys/1"
    assert entry.payload["baseline"]["model_version"] == "toys-baseline/1"
    assert entry.payload["holdout"] == {"first": "2024-01-25", "last": "2024-01-31", "rows": 7 * 20}
    assert entry.payload["dataset"]["rows"] == 31 * 20
    assert entry.payload["dataset"]["tables"] == {"features": 1, "outcomes": 1}
    # The label is a coin with bias u, u uniform: its best AUC is 5/6.
    assert 0.7 < entry.payload["metrics"]["candidate"]["roc_auc"] < 0.95
    assert 0.35 < entry.payload["metrics"]["baseline"]["roc_auc"] < 0.65
    again = train_candidate(local, usecase, "2024-01", run_of("train"))
    assert (again.status, again.partitions) == ("unchanged", ())
    assert train_candidate(local, usecase, "2024-01", run_of("train", 2)).partitions == ("2024-01",)
    assert versions_of("toys") == [1]


def test_the_run_holds_parameters_versions_environment_signature_and_example(local, usecase, land, run_of):
    """Whoever finds the version in MLflow finds what it was made of."""
    land(JANUARY)
    train_candidate(local, usecase, "2024-01", run_of("train"))
    registry = open_registry(local.settings)
    run_id = candidates(local)["2024-01"].payload["run_id"]
    data = registry._client.get_run(run_id).data
    assert data.params["factory"] == "toy_models:pipeline"
    assert data.params["LogisticRegression.C"] == "1.0"
    assert data.tags["table.features"] == "1"
    assert data.tags["code_version"] == "0.1.0+test"
    assert {"roc_auc", "brier", "log_loss", "pr_auc", "ece"} <= set(data.metrics)
    files = {item.path for item in registry._client.list_artifacts(run_id)}
    assert {"dataset.json", "environment.json", "slices.json", "reliability.json", "model"} <= files
    parts = {item.path for item in registry._client.list_artifacts(run_id, "model")}
    assert {"model/model.skops", "model/MLmodel", "model/input_example.json", "model/requirements.txt"} <= parts
    assert not {path for path in parts if path.endswith(".pkl")}


def test_a_crash_between_registration_and_ledger_makes_no_second_version(local, usecase, land, run_of, versions_of):
    """The same month, rows and code are found in the registry by their key."""
    land(JANUARY)
    from catena.chain.training.candidate import Training
    from catena.chain.training.snapshots import take_snapshot

    tables = TrainingTables(local.lake(usecase), local.ledger, usecase)
    snapshot = take_snapshot(
        local.lake(usecase), local.ledger, usecase, "2024-01", run=run_of("train"), versions=tables.versions()
    )
    made, _ = Training(usecase, "2024-01", run_of("train"), tables, snapshot).make(
        open_registry(local.settings), "challenger")  # fmt: skip
    train_candidate(local, usecase, "2024-01", run_of("train", 2))
    assert candidates(local)["2024-01"].payload["model_version"] == made.key
    assert versions_of("toys") == [1]


def test_months_are_trained_in_order_whatever_the_order_of_arrival(local, usecase, land, run_of):
    """February's days come first: its run waits, and January's run trains both, January as version 1."""
    land(FEBRUARY)
    waiting = train_candidate(local, usecase, "2024-02", run_of("train"))
    assert waiting.status == "skipped"
    assert "features[2024-01-01]" in waiting.reason
    land(JANUARY)
    outcome = train_candidate(local, usecase, "2024-01", run_of("train"))
    assert outcome.partitions == ("2024-01", "2024-02")
    found = {month: entry.payload["model_version"] for month, entry in candidates(local).items()}
    assert found == {"2024-01": "toys/1", "2024-02": "toys/2"}


def test_a_day_that_stays_absent_is_not_waited_for(local, usecase, land, run_of):
    """A day whose ingest failed, as the ledger says, does not hold up its month."""
    land(JANUARY[:-1])
    assert train_candidate(local, usecase, "2024-01", run_of("train")).status == "skipped"
    local.ledger.append(run_of("ingest"), kind="quality", subject="sales", partition="2024-01-31", decision="NO_DATA",
                        effective_at=datetime(2024, 1, 31, tzinfo=UTC), payload={})  # fmt: skip
    assert train_candidate(local, usecase, "2024-01", run_of("train")).partitions == ("2024-01",)


@pytest.mark.parametrize(
    ("changes", "bought", "reason"),
    [({"minimum_rows": 10_000}, None, "TooFewRows"), ({}, 1, "OneClass"), ({"factory": "toy_models:no"}, None, "no")],
)
def test_training_that_the_data_forbids_is_a_recorded_failure(local, declare, land, run_of, changes, bought, reason):
    """Too few rows, a single class or a missing factory end as FAILED with a reason and a baseline, not as an error."""
    land(JANUARY, bought=bought)
    outcome = train_candidate(local, declare(**changes), "2024-01", run_of("train"))
    entry = candidates(local)["2024-01"]
    assert (outcome.status, entry.decision) == ("published", "FAILED")
    assert reason in entry.payload["reason"]
    assert entry.payload["model_version"] is None
    assert entry.payload["baseline"]["model_version"] == "toys-baseline/1"


def test_a_correction_does_not_retrain_a_decided_month(local, usecase, land, run_of, versions_of):
    """A corrected day of a trained month leaves the candidate as it was, and the ledger notes it once."""
    land(JANUARY)
    train_candidate(local, usecase, "2024-01", run_of("train"))
    land(JANUARY[9:10], seed="corrected")
    for _ in range(2):
        assert train_candidate(local, usecase, "2024-01", run_of("train")).status == "unchanged"
    (note,) = local.ledger.entries("toys", kind="note")
    assert (note.partition, note.decision) == ("2024-01", "NOT_RETRAINED")
    assert versions_of("toys") == [1]
