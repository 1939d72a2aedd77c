"""Trainings off schedule: cut at the end of a day, decided on by the gate for the days after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying.deployments import Deployments
from catena.chain.deploying.redeploy import Asked, promote_version
from catena.chain.proving.card import issue_cards
from catena.chain.scoring.score import score_partition
from catena.chain.training.replay import replay_version
from catena.chain.training.snapshots import open_snapshot
from catena.chain.training.train import train_candidate
from catena.chain.training.training_data import effect_of, never_trained, training_key, training_keys
from catena.chain.watching.monitor import monitor_partition
from catena.partitions import days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")
DAY = "2024-02-14"


@pytest.fixture
def decided(local, usecase, land, run_of, begin):
    """January is trained and serves from February on."""

    def live():
        land(JANUARY)
        train_candidate(local, usecase, "2024-01", run_of("train"))
        promote_candidate(local, usecase, "2024-01", run_of("promote"))

    return begin("decided", live)


@pytest.fixture
def failing(decided, usecase, run_of, register_by_hand):
    """A model that says the opposite of what it knows serves from 2 February on: `toys/2`."""
    made = register_by_hand(decided, usecase, lambda n: int(n < 50))
    promote_version(decided, usecase, made.key, Asked("os:ada", "looks better", "2024-02-02"), run_of("models"))
    return decided


def both(workspace, usecase, key, run_of):
    train_candidate(workspace, usecase, key, run_of("train"))
    return promote_candidate(workspace, usecase, key, run_of("promote"))


def entry(workspace, kind, key):
    return workspace.ledger.last("toys", kind, "model", partition=key)


def spells(workspace, usecase):
    found = Deployments(workspace.ledger, usecase).spells()
    return [(spell.serves["model_version"], spell.first, spell.last) for spell in found]


def test_a_day_is_trained_on_what_is_known_at_its_end(decided, usecase, land, run_of):
    """All days up to the day, the last seven held out; outcomes that become known after the cut are no labels yet.

    Outcomes of the toys are known three hours after the decision: of 45 days only those of the 12th, made late, count
    not.
    """
    land(FEBRUARY[:20])
    lake, late = decided.lake(usecase), "2024-02-12"
    rows = lake.read("outcomes", [late])
    place = rows.schema.get_field_index("known_at")
    known = pa.array([at + timedelta(days=3) for at in rows["known_at"].to_pylist()], rows["known_at"].type)
    lake.overwrite("outcomes", rows.set_column(place, rows.schema.field(place), known), run=run_of("ingest"),
                   partitions=[late], standing="final")  # fmt: skip
    outcome = train_candidate(decided, usecase, DAY, run_of("train"))
    assert (outcome.status, outcome.partitions) == ("published", (DAY,))
    candidate = entry(decided, "candidate", DAY)
    assert candidate.effective_at == datetime(2024, 2, 15, tzinfo=UTC)
    assert candidate.payload["model_version"] == "toys/2"
    assert candidate.payload["holdout"] == {"first": "2024-02-08", "last": DAY, "rows": 6 * 20}
    assert candidate.payload["dataset"]["rows"] == (31 + 13) * 20
    name = candidate.payload["dataset"]["snapshot"]
    assert name.startswith(f"toys/{DAY}@")
    taken = open_snapshot(lake, decided.ledger, usecase, name)
    assert taken.record.cut == "2024-02-15T00:00:00+00:00"
    assert train_candidate(decided, usecase, DAY, run_of("train")).status == "unchanged"


def test_the_gate_lets_it_serve_from_the_next_day_on(failing, usecase, land, run_of):
    """Days up to the training keep what scored them, later ones are due again; the month is then judged against it."""
    land(FEBRUARY[:20])
    score_partition(failing, usecase, "2024-02", run_of("score"))
    outcome = both(failing, usecase, DAY, run_of)
    assert outcome.partitions == ("2024-02-15",)
    decision = entry(failing, "promotion", "2024-02-15")
    assert decision.effective_at == datetime(2024, 2, 15, tzinfo=UTC)
    assert (decision.decision, decision.payload["champion"]["model_version"]) == ("PROMOTE", "toys/2")
    assert decision.payload["serves"].items() >= {
        "model_version": "toys/3", "role": "champion", "trained_on": DAY}.items()  # fmt: skip
    assert spells(failing, usecase)[1:] == [("toys/2", "2024-02-02", DAY), ("toys/3", "2024-02-15", None)]
    assert score_partition(failing, usecase, "2024-02", run_of("score")).partitions == tuple(FEBRUARY[14:20])
    monitor_partition(failing, usecase, "2024-02", run_of("monitor"))
    health = failing.lake(usecase).read("health", FEBRUARY[13:15], columns=("partition", "model_version")).to_pylist()
    assert {(row["partition"], row["model_version"]) for row in health} == {(DAY, "toys/2"), ("2024-02-15", "toys/3")}
    assert replay_version(failing, usecase, "toys/3").is_equal
    assert issue_cards(failing, usecase, "2024-02", run_of("report")).partitions == ("2024-01", DAY)
    land(FEBRUARY[20:])
    assert both(failing, usecase, "2024-02", run_of).partitions == ("2024-03",)
    assert entry(failing, "candidate", "2024-02").payload["model_version"] == "toys/4"
    assert entry(failing, "promotion", "2024-03").payload["champion"]["model_version"] == "toys/3"


def test_asked_for_late_it_ends_as_if_asked_for_in_time(failing, usecase, land, run_of):
    """March was decided against the failing model; the training of 14 February, asked for after it, overtakes that."""
    land(FEBRUARY)
    both(failing, usecase, "2024-02", run_of)
    assert entry(failing, "promotion", "2024-03").payload["champion"]["model_version"] == "toys/2"
    assert both(failing, usecase, DAY, run_of).partitions == ("2024-02-15", "2024-03")
    assert entry(failing, "promotion", "2024-03").payload["champion"]["model_version"] == "toys/4"
    assert promote_candidate(failing, usecase, "2024-02", run_of("promote")).status == "unchanged"


def test_a_decision_of_the_gate_is_none_by_hand(decided, usecase, land, run_of):
    """On one day the gate decides first, whatever the order of recording; what was asked for by hand follows it."""
    land(FEBRUARY[:20])
    baseline = Asked("os:ada", "sure", "2024-02-15")
    promote_version(decided, usecase, "toys-baseline/1", baseline, run_of("models"), allow_baseline=True)
    both(decided, usecase, DAY, run_of)
    deployments = Deployments(decided.ledger, usecase)
    assert deployments.decided == ["2024-02", "2024-02-15"]
    assert deployments.months == ["2024-02"]
    assert deployments.decision("2024-02-15").decision == "PROMOTE"
    assert deployments.carried("2024-02-15")["model_version"] == "toys-baseline/1"


def test_days_wait_for_the_months_before_them(local, usecase, land, run_of):
    """January is trained first, as version 1; a day without its data waits; a breakdown holds until it is mended."""
    land(JANUARY)
    land(FEBRUARY[:13])
    assert train_candidate(local, usecase, DAY, run_of("train")).partitions == ("2024-01",)
    assert "features[2024-02-14]" in train_candidate(local, usecase, DAY, run_of("train")).reason
    assert promote_candidate(local, usecase, DAY, run_of("promote")).partitions == ("2024-02", "2024-02-15")
    assert entry(local, "promotion", "2024-02-15").decision == "HOLD"
    assert Deployments(local.ledger, usecase).carried("2024-02-20")["model_version"] == "toys/1"
    land([DAY])
    assert both(local, usecase, DAY, run_of).partitions == ("2024-02-15",)
    assert entry(local, "promotion", "2024-02-15").payload["challenger"]["model_version"] == "toys/2"


def test_which_trainings_there_are(usecase):
    """The last day of a month is the month's own training; in the first month nothing serves; outside is no data."""
    assert [training_key(key) for key in ("2024-02", DAY, "2024-02-29")] == ["2024-02", DAY, "2024-02"]
    assert [effect_of(key) for key in ("2024-02", DAY)] == ["2024-03", "2024-02-15"]
    refused = {key: never_trained(usecase, key) for key in ("2024-01", "2024-01-20", "2024-02", DAY, "2024-05-01")}
    assert [key for key, reason in refused.items() if reason] == ["2024-01-20", "2024-05-01"]
    assert training_keys(usecase, "2024-03", ["2024-02", DAY]) == ["2024-01", DAY, "2024-02", "2024-03"]


def test_days_that_are_never_trained_leave_no_trace(local, usecase, run_of):
    """Neither training nor promotion enters anything on them, so that no decision ever waits for them."""
    for day in ("2024-01-20", "2024-05-01"):
        assert train_candidate(local, usecase, day, run_of("train")).status == "skipped"
        assert promote_candidate(local, usecase, day, run_of("promote")).status == "skipped"
    assert local.ledger.entries("toys") == []
