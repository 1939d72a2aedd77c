"""Practising a rollback: what would come back scores a day that it served as it did, and nothing changes."""

from __future__ import annotations

import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying.deployments import Deployments
from catena.chain.deploying.drill import drill_rollback
from catena.chain.deploying.redeploy import Asked, promote_version
from catena.chain.deploying.versions import version_of
from catena.chain.scoring.score import score_partition
from catena.chain.training.replay import replay_what_waits
from catena.chain.training.train import train_candidate
from catena.partitions import days_of_month
from catena.registry import store

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")


def test_a_drill_says_whether_going_back_would_work_and_changes_nothing(local, usecase, land, run_of):
    """After January there is nothing to go back to but the baseline; after February January's model, to the bit."""
    land(days_of_month("2024-01"))
    train_candidate(local, usecase, "2024-01", run_of("train"))
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    rehearsal = local.ledger.last("toys", "promotion", "model", partition="2024-02").payload["checks"][-1]
    assert (rehearsal["name"], rehearsal["status"]) == ("rehearsal", "passed")
    numbers = {"day": "2024-01-31", "rows": 20, "held_out": 140, "is_as_trained": True, "fault": ""}
    assert rehearsal["numbers"] == numbers
    first = drill_rollback(local, usecase, "2024-01", run_of("report"))
    assert (first.details["version"], first.details["decision"]) == ("toys-baseline/1", "READY")
    land(days_of_month("2024-02"))
    score_partition(local, usecase, "2024-02", run_of("score"))
    train_candidate(local, usecase, "2024-02", run_of("train"))
    promote_candidate(local, usecase, "2024-02", run_of("promote"))
    if Deployments(local.ledger, usecase).carried("2024-03-01")["model_version"] == "toys/1":
        promote_version(local, usecase, "toys/2", Asked("os:ada", "a drill", "2024-03-01"), run_of("models"))
    before = Deployments(local.ledger, usecase).spells()
    drilled = drill_rollback(local, usecase, "2024-02", run_of("report"))
    assert {name: drilled.details[name] for name in ("serves", "version", "decision", "day", "rows")} == {
        "serves": "toys/2", "version": "toys/1", "decision": "EQUAL", "day": "2024-02-29", "rows": 20,
    }  # fmt: skip
    assert drilled.details["largest_difference"] == 0.0
    assert Deployments(local.ledger, usecase).spells() == before
    assert drill_rollback(local, usecase, "2024-02", run_of("report")).status == "unchanged"

    # Of a file that is not what was registered the drill says so, before anybody needs it.
    sha256 = version_of(local, usecase, "toys/1").sha256
    (local.settings.home / "cache" / "models" / f"{sha256}.skops").write_bytes(b"another model")
    store._LOADED.pop(sha256, None)
    refused = drill_rollback(local, usecase, "2024-03", run_of("report"))
    assert (refused.details["version"], refused.details["decision"]) == ("toys/1", "REFUSED")


def test_each_training_is_built_again_once(local, usecase, land, run_of):
    """The second version that comes is replayed alone; what was replayed stands."""
    land(days_of_month("2024-01"))
    train_candidate(local, usecase, "2024-01", run_of("train"))
    outcome = replay_what_waits(local, usecase, "2024-01", run_of("train"))
    assert outcome.details == {"replayed": ["toys/1"], "different": []}
    assert replay_what_waits(local, usecase, "2024-01", run_of("train")).status == "skipped"
    (entry,) = local.ledger.entries("toys", kind="replay")
    assert (entry.subject, entry.partition, entry.decision) == ("toys/1", "2024-01", "EQUAL")
