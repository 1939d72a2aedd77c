"""Rollback: by hand and by the guard, day by day and as a backfill, and what later decisions compare with."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying import redeploy
from catena.chain.deploying.deployments import Deployments
from catena.chain.deploying.redeploy import Asked, DeploymentRefused, promote_version, roll_back
from catena.chain.deploying.versions import UnknownVersion, version_of
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.guard import check_guard
from catena.chain.watching.monitor import monitor_partition
from catena.declaration import Guard, Monitoring
from catena.partitions import days, days_of_month
from catena.registry.model_file import ModelTampered

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")
GUARD = Guard(measure="roc_auc", window_days=7, minimum=0.5, minimum_rows=50, confirmation_days=3, reason="It fails.")
ASKED = Asked("os:ada", "looks better", "2024-02-10")


@pytest.fixture
def guarded(usecase):
    return usecase.model_copy(update={"monitoring": Monitoring(trailing_days=7, guard=GUARD)})


@pytest.fixture
def decided(local, guarded, land, run_of, begin):
    """January is trained and serves from February on."""

    def live():
        land(JANUARY)
        train_candidate(local, guarded, "2024-01", run_of("train"))
        promote_candidate(local, guarded, "2024-01", run_of("promote"))

    return begin("decided", live)


@pytest.fixture
def bad(decided, guarded, register_by_hand):
    """A registered model that says the opposite of what it knows: `toys/2`."""
    return register_by_hand(decided, guarded, lambda n: int(n < 50)).key


def served(workspace, usecase, span):
    """Return which version made the published predictions of each day, and at which revision."""
    rows = workspace.lake(usecase).read("predictions", span).to_pylist()
    return {row["partition"]: (row["model_version"], row["revision"]) for row in sorted(
        rows, key=lambda row: row["revision"])}  # fmt: skip


def alias(workspace):
    client = MlflowClient(workspace.settings.tracking_uri, workspace.settings.tracking_uri)
    return client.get_registered_model("toys").aliases.get("champion")


@pytest.fixture
def mute(decided, guarded, register_by_hand):
    """A registered model that knows nothing and says so: each score is nearly one half; `toys/2`."""
    return register_by_hand(decided, guarded, lambda n: n % 2).key


def live(workspace, usecase, land, run_of, span, *, is_labelled=True):
    """Let days come one by one, each scored, measured and judged before the next."""
    for day in span:
        land([day], is_labelled=is_labelled)
        score_partition(workspace, usecase, day, run_of("score"))
        monitor_partition(workspace, usecase, day, run_of("monitor"))
        check_guard(workspace, usecase, run_of("monitor"))


def test_a_bad_model_goes_by_itself_and_days_before_stay(decided, bad, guarded, land, run_of):
    """Ten days of a model that is worse than chance: confirmed on three of them, gone the day after, never before."""
    live(decided, guarded, land, run_of, FEBRUARY[:9])
    change = promote_version(decided, guarded, bad, Asked("os:ada", "looks better"), run_of("models"))
    # The default is the first day that is not scored yet.
    assert (change.first, change.replaces["model_version"], change.actor) == ("2024-02-10", "toys/1", "os:ada")
    assert alias(decided) == 2
    live(decided, guarded, land, run_of, FEBRUARY[9:17])
    (entry,) = decided.ledger.entries("toys", kind="rollback")
    # 20 rows a day: 60 on the third, 12 February; three breaches by the 14th, whose labels are known on that day.
    assert [item["day"] for item in entry.payload["evidence"]["days"]] == ["2024-02-12", "2024-02-13", "2024-02-14"]
    assert (entry.partition, entry.payload["is_automatic"], entry.payload["actor"]) == ("2024-02-15", True, "guard")
    assert entry.payload["serves"]["model_version"] == "toys/1"
    expected = {day: (bad if "2024-02-10" <= day < "2024-02-15" else "toys/1", 1) for day in FEBRUARY[:17]}
    assert served(decided, guarded, FEBRUARY[:17]) == expected
    assert alias(decided) == 1
    spells = [(spell.serves["model_version"], spell.first, spell.last) for spell in
              Deployments(decided.ledger, guarded).spells()]  # fmt: skip
    assert spells == [("toys/1", "2024-02-01", "2024-02-09"), (bad, "2024-02-10", "2024-02-14"),
                      ("toys/1", "2024-02-15", None)]  # fmt: skip
    assert check_guard(decided, guarded, run_of("monitor")).status == "unchanged"


def test_on_the_estimate_a_model_that_knows_nothing_goes_before_any_label(decided, mute, guarded, land, run_of):
    """No outcome has come since it serves: on labels nothing can be said, on the estimate it goes the day after."""
    live(decided, guarded, land, run_of, FEBRUARY[:9])
    promote_version(decided, guarded, mute, Asked("os:ada", "looks better"), run_of("models"))
    live(decided, guarded, land, run_of, FEBRUARY[9:17], is_labelled=False)
    assert decided.ledger.entries("toys", kind="rollback") == []

    guard = GUARD.model_copy(update={"on": "estimate", "minimum": 0.6})
    early = guarded.model_copy(update={"monitoring": Monitoring(trailing_days=7, guard=guard)})
    monitor_partition(decided, early, "2024-02", run_of("monitor"))
    assert check_guard(decided, early, run_of("monitor")).status == "published"
    (entry,) = decided.ledger.entries("toys", kind="rollback")
    # 20 scored rows a day: from the third on there are 50, and three such days confirm: the 14th, known on that day.
    assert (entry.partition, entry.payload["evidence"]["known_on"]) == ("2024-02-15", "2024-02-14")
    assert "Estimated roc_auc" in entry.payload["reason"]


def test_a_backfill_ends_as_the_days_lived_one_by_one(decided, bad, guarded, land, run_of):
    """A whole month scored and the next one decided before anybody looked: the same rollback, the same decisions."""
    promote_version(decided, guarded, bad, ASKED, run_of("models"))
    land(FEBRUARY)
    score_partition(decided, guarded, "2024-02", run_of("score"))
    train_candidate(decided, guarded, "2024-02", run_of("train"))
    promote_candidate(decided, guarded, "2024-02", run_of("promote"))
    assert decided.ledger.last("toys", "promotion", "model", partition="2024-03").payload["incumbent"] == bad
    monitor_partition(decided, guarded, "2024-02", run_of("monitor"))
    outcome = check_guard(decided, guarded, run_of("monitor"))
    assert (outcome.status, outcome.partitions) == ("published", ("2024-02", "2024-03"))
    assert outcome.details["rollback"]["decided"] == "2024-01"
    (entry,) = decided.ledger.entries("toys", kind="rollback")
    assert [item["day"] for item in entry.payload["evidence"]["days"]] == ["2024-02-12", "2024-02-13", "2024-02-14"]
    assert entry.partition == "2024-02-15"
    # What was scored by the version that is gone is not measured again until it is scored again.
    version = decided.lake(guarded).version("health")
    monitor_partition(decided, guarded, "2024-02", run_of("monitor"))
    assert decided.lake(guarded).version("health") == version
    score_partition(decided, guarded, "2024-02", run_of("score"))
    now = served(decided, guarded, FEBRUARY)
    assert {day for day, (version, _) in now.items() if version == bad} == set(days("2024-02-10", "2024-02-14"))
    assert {revision for day, (_, revision) in now.items() if day < "2024-02-15"} == {1}
    # March compares its challenger with what really serves: the decision is made anew, once.
    assert promote_candidate(
        decided, guarded, outcome.details["rollback"]["decided"], run_of("promote")
    ).partitions == ("2024-03",)
    decision = decided.ledger.last("toys", "promotion", "model", partition="2024-03")
    assert (decision.payload["incumbent"], decision.payload["champion"]["model_version"]) == ("toys/1", "toys/1")
    assert promote_candidate(decided, guarded, "2024-02", run_of("promote")).status == "unchanged"
    monitor_partition(decided, guarded, "2024-02", run_of("monitor"))
    assert check_guard(decided, guarded, run_of("monitor")).status == "unchanged"


def test_a_good_model_stays(decided, guarded, land, run_of):
    """The model that serves passes its guard on every day of the month."""
    land(FEBRUARY)
    score_partition(decided, guarded, "2024-02", run_of("score"))
    monitor_partition(decided, guarded, "2024-02", run_of("monitor"))
    assert check_guard(decided, guarded, run_of("monitor")).status == "unchanged"
    assert decided.ledger.entries("toys", kind="rollback") == []


def test_a_rollback_by_hand_goes_back_to_what_really_served(decided, bad, guarded, run_of):
    """The last model before; a rolled back one is passed over; in the end the month's baseline serves."""
    promote_version(decided, guarded, bad, ASKED, run_of("models"))
    back = Asked("os:ada", "complaints", "2024-02-12")
    assert roll_back(decided, guarded, None, back, run_of("models")).serves["model_version"] == "toys/1"
    with pytest.raises(DeploymentRefused, match="serves on 2024-02-12 anyway"):
        roll_back(decided, guarded, "toys/1", back, run_of("models"))
    again = Asked("airflow:bob", "still", "2024-02-14")
    assert roll_back(decided, guarded, None, again, run_of("models")).serves["model_version"] == "toys-baseline/1"
    assert alias(decided) is None
    deployments = Deployments(decided.ledger, guarded)
    assert [deployments.serves(f"2024-02-{day}")["model_version"] for day in ("09", "10", "11", "12", "13", "14")] == [
        "toys/1", bad, bad, "toys/1", "toys/1", "toys-baseline/1"]  # fmt: skip
    assert deployments.barred("2024-02-29") == {bad, "toys/1"}


def test_what_was_rolled_back_does_not_come_back_by_a_month_that_holds(decided, guarded, land, run_of):
    """A HOLD keeps what serves then, also where it was recorded before the rollback of the month before."""
    promote_candidate(decided, guarded, "2024-01", run_of("promote"))
    # February breaks down: March holds on to toys/1.
    promote_candidate(decided, guarded, "2024-02", run_of("promote"))
    assert decided.ledger.last("toys", "promotion", "model", partition="2024-03").payload["serves"][
        "model_version"] == "toys/1"  # fmt: skip
    roll_back(decided, guarded, None, Asked("os:ada", "wrong", "2024-02-20"), run_of("models"))
    assert Deployments(decided.ledger, guarded).serves("2024-03-05")["role"] == "baseline"


def test_what_cannot_serve_is_refused(decided, bad, guarded, run_of):
    """An unknown version, a baseline without consent, a day before anything served, no reason, another file."""
    with pytest.raises(UnknownVersion, match="toys/9"):
        promote_version(decided, guarded, "toys/9", ASKED, run_of("models"))
    with pytest.raises(DeploymentRefused, match="--allow-baseline"):
        promote_version(decided, guarded, "toys-baseline/1", ASKED, run_of("models"))
    with pytest.raises(DeploymentRefused, match="2024-02-01"):
        promote_version(decided, guarded, bad, Asked("os:ada", "x", "2024-01-05"), run_of("models"))
    with pytest.raises(DeploymentRefused, match="reason"):
        promote_version(decided, guarded, bad, Asked("os:ada", " ", "2024-02-10"), run_of("models"))
    sha256 = version_of(decided, guarded, bad).sha256
    (decided.settings.home / "cache" / "models" / f"{sha256}.skops").write_bytes(b"another model")
    from catena.registry import store

    store._LOADED.pop(sha256, None)
    with pytest.raises(ModelTampered):
        promote_version(decided, guarded, bad, ASKED, run_of("models"))
    assert [entry.kind for entry in decided.ledger.entries("toys") if len(entry.partition) == 10] == []


def test_a_retry_tells_what_the_try_before_it_entered(decided, bad, guarded, run_of):
    """A task that died between the entry and its events says again what serves, and enters nothing twice."""
    promote_version(decided, guarded, bad, ASKED, run_of("models"))
    back = Asked("airflow:bob", "complaints", "2024-02-12")
    first = roll_back(decided, guarded, None, back, run_of("rollback"))
    assert roll_back(decided, guarded, None, back, run_of("rollback", 2)) == first
    assert len(decided.ledger.entries("toys", kind="rollback")) == 1
    assert redeploy.DeploymentRefused in redeploy.FINAL_FAULTS
