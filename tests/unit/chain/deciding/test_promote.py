"""The promotion link: order, what serves, breakdowns, and the alias that mirrors the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.training.train import train_candidate
from catena.chain.training.training_data import open_registry
from catena.declaration import Direction, Proof
from catena.partitions import days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")


def serving(workspace, month):
    entry = workspace.ledger.last("toys", "promotion", "model", partition=month)
    return entry and (entry.decision, (entry.payload["serves"] or {}).get("model_version"))


def test_a_better_challenger_serves_from_the_next_month_on(local, usecase, land, run_of):
    """The decision names the month of effect, what serves, the numbers of both, and the alias follows."""
    land(JANUARY)
    train_candidate(local, usecase, "2024-01", run_of("train"))
    outcome = promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert (outcome.status, outcome.partitions) == ("published", ("2024-02",))
    entry = local.ledger.last("toys", "promotion", "model", partition="2024-02")
    assert entry.decision == "PROMOTE"
    assert entry.effective_at == datetime(2024, 2, 1, tzinfo=UTC)
    assert entry.payload["serves"].items() >= {
        "model_version": "toys/1", "role": "champion", "trained_on": "2024-01"}.items()  # fmt: skip
    candidate = local.ledger.last("toys", "candidate", "model", partition="2024-01")
    assert entry.payload["challenger"]["metrics"] == pytest.approx(candidate.payload["metrics"]["candidate"])
    assert entry.payload["baseline"]["metrics"] == pytest.approx(candidate.payload["metrics"]["baseline"])
    assert int(open_registry(local.settings)._client.get_model_version_by_alias("toys", "champion").version) == 1
    assert promote_candidate(local, usecase, "2024-01", run_of("promote")).status == "unchanged"
    assert promote_candidate(local, usecase, "2024-01", run_of("promote", 2)).partitions == ("2024-02",)


@pytest.mark.parametrize(("is_veto", "decision"), [(True, "REJECT"), (False, "PROMOTE")])
def test_behaviour_is_asked_before_the_decision(local, usecase, land, run_of, is_veto, decision):
    """A model that rises with the signal fails a test that forbids it; the entry keeps how each test came out."""
    tests = (
        Direction(name="rises", reason="r.", column="signal", add=0.2, expected="not_lower", is_veto=True),
        Direction(name="falls", reason="r.", column="signal", add=0.2, expected="not_higher", is_veto=is_veto),
    )
    proven = usecase.model_copy(update={"proof": Proof(tests=tests)})
    land(JANUARY)
    train_candidate(local, proven, "2024-01", run_of("train"))
    promote_candidate(local, proven, "2024-01", run_of("promote"))
    entry = local.ledger.last("toys", "promotion", "model", partition="2024-02")
    told = {check["name"]: check["status"] for check in entry.payload["checks"]}
    assert (entry.decision, told["behaviour rises"], told["behaviour falls"]) == (decision, "passed", "failed")
    assert any("In the test falls" in reason for reason in entry.payload["reasons"])


def test_decisions_are_made_in_order(local, usecase, land, run_of):
    """February is judged against the champion of January's decision, on February's own holdout."""
    land(JANUARY)
    land(FEBRUARY)
    train_candidate(local, usecase, "2024-02", run_of("train"))
    outcome = promote_candidate(local, usecase, "2024-02", run_of("promote"))
    assert outcome.partitions == ("2024-02", "2024-03")
    entry = local.ledger.last("toys", "promotion", "model", partition="2024-03")
    assert entry.payload["champion"]["model_version"] == "toys/1"
    assert entry.payload["challenger"]["model_version"] == "toys/2"
    assert entry.payload["holdout"]["first"] == "2024-02-23"


def test_failed_training_holds_and_the_baseline_serves(local, declare, land, run_of):
    """A candidate that could not be built leaves the chain running on the baseline."""
    usecase = declare(minimum_rows=10_000)
    land(JANUARY)
    train_candidate(local, usecase, "2024-01", run_of("train"))
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert serving(local, "2024-02") == ("HOLD", "toys-baseline/1")
    reasons = local.ledger.last("toys", "promotion", "model", partition="2024-02").payload["reasons"]
    assert "TooFewRows" in reasons[0]


def test_a_later_failure_keeps_the_champion(local, usecase, declare, land, run_of):
    """HOLD keeps what serves."""
    land(JANUARY)
    land(FEBRUARY)
    train_candidate(local, usecase.model_copy(update={"calendar": usecase.calendar.model_copy(
        update={"last": "2024-01-31"})}), "2024-01", run_of("train"))  # fmt: skip
    broken = declare(minimum_rows=10_000)
    train_candidate(local, broken, "2024-02", run_of("train"))
    promote_candidate(local, usecase, "2024-02", run_of("promote"))
    assert serving(local, "2024-02") == ("PROMOTE", "toys/1")
    assert serving(local, "2024-03") == ("HOLD", "toys/1")


def test_a_breakdown_holds_and_is_mended_by_a_later_training(local, usecase, land, run_of):
    """Training that broke down with an error holds; when it succeeds after all, the newest decision is made anew."""
    land(JANUARY)
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert serving(local, "2024-02") == ("HOLD", "toys-baseline/1")
    assert train_candidate(local, usecase, "2024-01", run_of("train")).partitions == ("2024-01",)
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert serving(local, "2024-02") == ("PROMOTE", "toys/1")


def test_a_month_whose_predecessor_is_undecided_waits(local, usecase, land, run_of):
    """A breakdown in February waits for January's candidate, and is decided along with it."""
    land(JANUARY)
    land(FEBRUARY)
    assert promote_candidate(local, usecase, "2024-02", run_of("promote")).status == "skipped"
    train_candidate(local, usecase, "2024-01", run_of("train"))
    outcome = promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert outcome.partitions == ("2024-02", "2024-03")
    assert serving(local, "2024-03") == ("HOLD", "toys/1")


def test_nothing_to_learn_from_means_that_nothing_serves(local, usecase, run_of):
    """Without a labelled row there is no baseline; the decision is made all the same."""
    for day in JANUARY:
        local.ledger.append(run_of("ingest"), kind="quality", subject="sales", partition=day, decision="NO_DATA",
                            effective_at=datetime(2024, 1, 1, tzinfo=UTC), payload={})  # fmt: skip
    train_candidate(local, usecase, "2024-01", run_of("train"))
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert serving(local, "2024-02") == ("HOLD", None)
