"""A version beside what serves: held ones in the shadow, promoted ones as a canary, and a canary that is taken back."""

from __future__ import annotations

import pytest
from sklearn.metrics import roc_auc_score
from sqlalchemy import text

import catena.chain.scoring.score as link
from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying.deployments import Deployments
from catena.chain.deploying.redeploy import Asked, roll_back
from catena.chain.deploying.trials import planned_canary
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.guard import check_guard
from catena.chain.watching.monitor import monitor_partition
from catena.declaration import Monitoring, Serving
from catena.partitions import days, days_of_month, start_of
from catena.serving.canary import on_canary

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY, MARCH = (days_of_month(f"2024-0{month}") for month in (1, 2, 3))
SHARE, DAYS = 0.3, 8
CANARY = Serving(shadow=True, canary_share=SHARE, canary_days=DAYS, margin=0.05)


@pytest.fixture
def usecase(declare):
    return declare().model_copy(update={"monitoring": Monitoring(trailing_days=7), "serving": CANARY})


@pytest.fixture
def decided(local, usecase, land, run_of, begin):
    """January is trained and serves from February on."""

    def live():
        land(JANUARY)
        train_candidate(local, usecase, "2024-01", run_of("train"))
        promote_candidate(local, usecase, "2024-01", run_of("promote"))

    return begin("decided", live)


@pytest.fixture
def bad(decided, usecase, register_by_hand):
    """A registered model that says the opposite of what it knows: `toys/2`."""
    return register_by_hand(decided, usecase, lambda n: int(n < 50))


@pytest.fixture
def decide_march(decided, usecase, run_of, land, bad):
    """Return a function that enters March's decision of the gate on the bad model, as a promotion enters it.

    The month before was served, since monitoring and the guard look back on it.
    """
    land(FEBRUARY)
    score_partition(decided, usecase, "2024-02", run_of("score"))

    def enter(decision):
        challenger = {**bad.as_dict(), "metrics": {}}
        served = Deployments(decided.ledger, usecase).serves("2024-02-29")
        new = {**bad.as_dict(), "role": "champion", "trained_on": "2024-02"}
        payload = {
            "serves": new if decision == "PROMOTE" else served, "challenger": challenger, "incumbent": "toys/1",
            "training_month": "2024-02", "reasons": ["r"], "checks": [], "champion": None, "baseline": None,
        }  # fmt: skip
        if decision == "PROMOTE":
            payload["canary"] = planned_canary(usecase, "2024-03")
        decided.ledger.append(
            run_of("promote"), kind="promotion", subject="model", partition="2024-03", decision=decision,
            effective_at=start_of("2024-03"), payload=payload,
        )  # fmt: skip

    return enter


def rows_of(workspace, usecase, table, span):
    rows = workspace.lake(usecase).read(table, span).to_pandas()
    current = rows["revision"] == rows.groupby("partition")["revision"].transform("max")
    return rows[current].set_index("entity").sort_index()


def versions(workspace, usecase, span):
    rows = rows_of(workspace, usecase, "predictions", span)
    return {day: set(part["model_version"]) for day, part in rows.groupby("partition")}


def test_a_first_promotion_serves_all_at_once(decided, usecase, land, run_of):
    """Nothing served before it, so nothing can serve the rest; nothing is in its shadow either."""
    assert "canary" not in decided.ledger.last("toys", "promotion", "model").payload
    land(FEBRUARY[:2])
    score_partition(decided, usecase, "2024-02", run_of("score"))
    assert versions(decided, usecase, FEBRUARY[:2]) == {day: {"toys/1"} for day in FEBRUARY[:2]}
    assert decided.lake(usecase).read("shadow_predictions").num_rows == 0
    assert decided.lake(usecase).contents("shadow_predictions", FEBRUARY[:1])["2024-02-01"] is not None


def test_a_held_version_is_scored_in_the_shadow(decided, usecase, land, run_of, decide_march, bad):
    """Each row has a second score that nobody is shown, by the version that was held; the paired gain is known."""
    decide_march("HOLD")
    land(MARCH[:6])
    score_partition(decided, usecase, "2024-03", run_of("score"))
    served, shadow = (rows_of(decided, usecase, name, MARCH[:6]) for name in ("predictions", "shadow_predictions"))
    assert set(served["model_version"]) == {"toys/1"}
    assert (set(shadow["model_version"]), set(shadow["model_role"])) == ({"toys/2"}, {"shadow"})
    assert list(served.index) == list(shadow.index)
    assert score_partition(decided, usecase, MARCH[0], run_of("score")).status == "unchanged"
    with decided.engine.connect() as connection:
        told = connection.execute(text("SELECT DISTINCT model_version FROM predictions")).scalars().all()
    assert told == ["toys/1"]
    monitor_partition(decided, usecase, "2024-03", run_of("monitor"))
    health = decided.lake(usecase).read("health", [MARCH[5]]).to_pandas()
    found = health[health["dimension"] == "shadow"].set_index("measure")["value"]
    labels = decided.lake(usecase).read("outcomes", MARCH[:6]).to_pandas().set_index("entity")["bought"]
    # A second method: scikit-learn on the joined rows.
    gain = roc_auc_score(labels, shadow["score"]) - roc_auc_score(labels, served["score"])
    assert found["gain"] == pytest.approx(gain, abs=1e-12)
    assert found["gain_low"] < gain < found["gain_high"] < 0
    assert set(health["model_version"]) == {"toys/1"}
    # No canary runs, so nothing is rolled back.
    assert check_guard(decided, usecase, run_of("monitor")).status == "unchanged"


def test_what_a_shadow_came_to_is_entered_at_the_end_of_its_month(decided, usecase, land, run_of, decide_march):
    """One entry, with the interval; the same however the days came."""
    decide_march("HOLD")
    land(MARCH)
    score_partition(decided, usecase, "2024-03", run_of("score"))
    monitor_partition(decided, usecase, "2024-03", run_of("monitor"))
    (entry,) = decided.ledger.entries("toys", kind="shadow")
    assert (entry.subject, entry.partition, entry.decision) == ("toys/2", "2024-03-31", "WORSE")
    assert (entry.payload["kind"], entry.payload["first"], entry.payload["champion"]) == (
        "shadow", "2024-03-01", "toys/1")  # fmt: skip
    # The window of monitoring: seven days of twenty rows.
    assert (entry.payload["gain"]["days"], entry.payload["gain"]["rows"]) == (7, 140)


def test_without_the_declaration_nothing_is_scored_beside(decided, usecase, land, run_of, decide_march):
    """A held version leaves no shadow where none is declared: nothing is written, not even that there is none."""
    plain = usecase.model_copy(update={"serving": Serving()})
    decide_march("HOLD")
    land(MARCH[:1])
    score_partition(decided, plain, MARCH[0], run_of("score"))
    assert Deployments(decided.ledger, plain).trial(MARCH[0]) is None
    assert decided.lake(plain).contents("shadow_predictions", MARCH[:1]) == {MARCH[0]: None}


def test_a_shadow_that_cannot_be_scored_keeps_nobody_from_serving(
    decided, usecase, land, run_of, decide_march, monkeypatch
):
    """What serves goes on serving; the outcome says what is wrong with the other."""
    decide_march("HOLD")
    land(MARCH[:1])
    real = link._loaded

    class Other:
        feature_names_in_ = ("another",)

    def loaded(workspace, usecase, facts):
        return (Other(), usecase.model) if facts["model_version"] == "toys/2" else real(workspace, usecase, facts)

    monkeypatch.setattr(link, "_loaded", loaded)
    outcome = score_partition(decided, usecase, MARCH[0], run_of("score"))
    assert outcome.status == "published"
    assert "toys/2 was not scored beside it: the challenger was fitted on the columns ['another']" in outcome.reason
    assert decided.lake(usecase).read("shadow_predictions").num_rows == 0


def test_a_canary_serves_its_keys_for_its_days_and_then_all(decided, usecase, land, run_of, decide_march):
    """By hash of the key: on eight days the canary has its keys and the version before the rest; then it has all."""
    decide_march("PROMOTE")
    land(MARCH[:11])
    score_partition(decided, usecase, "2024-03", run_of("score"))
    served, shadow = (rows_of(decided, usecase, name, MARCH[:11]) for name in ("predictions", "shadow_predictions"))
    tried = served[served["partition"] <= MARCH[DAYS - 1]]
    expected = on_canary(tried.index, SHARE, "toys/2024-03-01")
    assert 0 < expected.sum() < len(expected)
    assert ((tried["model_version"] == "toys/2") == expected).all()
    assert ((tried["model_role"] == "canary") == expected).all()
    # Each of its rows has the other version's score in the shadow, and the two agree on who is who.
    assert ((shadow["model_version"] == "toys/1") == expected).all()
    assert list(shadow.index) == list(tried.index)
    assert set(served[served["partition"] > MARCH[DAYS - 1]]["model_version"]) == {"toys/2"}
    deployments = Deployments(decided.ledger, usecase)
    assert [deployments.serves(day)["model_version"] for day in MARCH[:10]] == ["toys/1"] * 8 + ["toys/2"] * 2
    spells = [(each.serves["model_version"], each.first, each.last, each.share) for each in
              (*deployments.spells(), *deployments.canaries())]  # fmt: skip
    assert spells == [
        ("toys/1", "2024-02-01", "2024-03-08", 1.0), ("toys/2", "2024-03-09", None, 1.0),
        ("toys/2", "2024-03-01", "2024-03-08", SHARE),
    ]  # fmt: skip


def live(workspace, usecase, land, run_of, span):
    for day in span:
        land([day])
        score_partition(workspace, usecase, day, run_of("score"))
        monitor_partition(workspace, usecase, day, run_of("monitor"))
        check_guard(workspace, usecase, run_of("monitor"))


@pytest.mark.parametrize("is_backfill", [False, True], ids=["day by day", "backfill"])
def test_a_failing_canary_is_taken_back(decided, usecase, land, run_of, decide_march, is_backfill):
    """The day after its labels show it the version before has all keys again, and days before stay as they were."""
    decide_march("PROMOTE")
    monitor_partition(decided, usecase, "2024-02", run_of("monitor"))
    span = MARCH[:10]
    if is_backfill:
        land(span)
        score_partition(decided, usecase, "2024-03", run_of("score"))
        monitor_partition(decided, usecase, "2024-03", run_of("monitor"))
        outcome = check_guard(decided, usecase, run_of("monitor"))
        assert (outcome.status, outcome.partitions) == ("published", ("2024-03",))
        score_partition(decided, usecase, "2024-03", run_of("score"))
        monitor_partition(decided, usecase, "2024-03", run_of("monitor"))
    else:
        live(decided, usecase, land, run_of, span)
    (entry,) = decided.ledger.entries("toys", kind="rollback")
    said = entry.payload
    # What was measured says on which day it was shown: five days of labels, known on the fifth.
    health = decided.lake(usecase).read("health", span).to_pandas()
    highs = health[health["measure"] == "gain_high"].set_index("partition")["value"]
    assert highs[highs < -CANARY.margin].index[0] == "2024-03-05"
    assert (entry.partition, said["actor"], said["is_automatic"]) == ("2024-03-06", "canary", True)
    assert (said["replaces"]["model_version"], said["serves"]["model_version"]) == ("toys/2", "toys/1")
    assert (said["evidence"]["rows"], said["evidence"]["high"]) == (100, highs["2024-03-05"])
    both = {"toys/1", "toys/2"}
    assert versions(decided, usecase, span) == {day: both if day < "2024-03-06" else {"toys/1"} for day in span}
    assert check_guard(decided, usecase, run_of("monitor")).status == "unchanged"
    deployments = Deployments(decided.ledger, usecase)
    (spell,) = deployments.canaries()
    assert (spell.first, spell.last, spell.ended_by.kind) == ("2024-03-01", "2024-03-05", "rollback")
    assert deployments.barred("2024-03-31") == {"toys/2"}
    assert [each.serves["model_version"] for each in deployments.spells()] == ["toys/1"]


def test_a_good_canary_arrives(decided, usecase, land, run_of):
    """February's own candidate is no worse than January's: it serves a share, then all, and nothing is rolled back."""
    refresh = usecase.model_copy(update={"gate": usecase.gate.model_copy(update={"refresh_margin": 0.2})})
    land(FEBRUARY)
    train_candidate(decided, refresh, "2024-02", run_of("train"))
    promote_candidate(decided, refresh, "2024-02", run_of("promote"))
    decision = decided.ledger.last("toys", "promotion", "model", partition="2024-03")
    assert decision.decision == "PROMOTE"
    score_partition(decided, refresh, "2024-02", run_of("score"))
    monitor_partition(decided, refresh, "2024-02", run_of("monitor"))
    assert decision.payload["canary"] == {"share": SHARE, "days": DAYS, "salt": "toys/2024-03-01"}
    live(decided, refresh, land, run_of, MARCH[:10])
    new = decision.payload["serves"]["model_version"]
    assert versions(decided, refresh, MARCH[:10]) == {
        day: {"toys/1", new} if day <= "2024-03-08" else {new} for day in MARCH[:10]
    }
    assert decided.ledger.entries("toys", kind="rollback") == []
    (entry,) = decided.ledger.entries("toys", kind="shadow")
    assert (entry.subject, entry.partition, entry.payload["kind"]) == (new, "2024-03-08", "canary")
    assert entry.decision in {"NOT SHOWN", "BETTER"}
    assert (entry.payload["gain"]["days"], entry.payload["gain"]["rows"]) == (7, 140)


def test_a_rollback_by_hand_takes_the_canary_back(decided, usecase, decide_march, run_of):
    """Nothing else was deployed last, so that is what goes; the version before keeps all keys."""
    decide_march("PROMOTE")
    change = roll_back(decided, usecase, None, Asked("os:ada", "complaints", "2024-03-02"), run_of("models"))
    assert (change.serves["model_version"], change.replaces["model_version"]) == ("toys/1", "toys/2")
    deployments = Deployments(decided.ledger, usecase)
    assert [deployments.canary(day) is not None for day in days("2024-02-29", "2024-03-03")] == [
        False, True, False, False]  # fmt: skip
    assert deployments.serves("2024-03-20")["model_version"] == "toys/1"


def test_a_month_that_breaks_down_after_a_canary_keeps_what_arrived(decided, usecase, decide_march, run_of):
    """A HOLD keeps the promoted version; its incumbent is the canary that arrived, on the first of the month too."""
    decide_march("PROMOTE")
    deployments = Deployments(decided.ledger, usecase)
    assert deployments.incumbent("2024-04")["model_version"] == "toys/2"
    assert deployments.newest()["model_version"] == "toys/2"
