"""A version moves to another environment: two workspaces, each with a lake, a database and an MLflow of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr

from catena.chain.deciding.approval import open_question
from catena.chain.deciding.promote import promote_candidate
from catena.chain.deciding.transfer import TransferRefused, transfer_version
from catena.chain.deploying.versions import version_of
from catena.chain.proving.card import issue_card
from catena.chain.scoring.score import score_partition
from catena.chain.training.replay import replay_version
from catena.chain.training.search import NotSearchable, plan_search, search_in_process
from catena.chain.training.train import train_candidate
from catena.chain.training.training_data import open_registry
from catena.declaration import Family, Gate, Search
from catena.declared import governed
from catena.environments import Approval
from catena.partitions import days_of_month
from catena.registry.model_file import ModelTampered, digest_of
from catena.settings import Settings
from catena.workspace import Workspace

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY, MARCH = days_of_month("2024-01"), days_of_month("2024-02"), days_of_month("2024-03")
SEARCH = Search(families=(Family(name="logistic", factory="toy_models:pipeline"),), first_after_months=1)


@pytest.fixture
def dev(local, usecase, land, run_of, begin):
    """The environment that trains: January and February."""

    def live():
        land(JANUARY)
        land(FEBRUARY)
        train_candidate(local, usecase, "2024-02", run_of("train"))

    return begin("trained", live)


@pytest.fixture
def prod(tmp_path, fresh_database, empty_mlflow):
    """Another environment, empty."""
    home = tmp_path / "prod"
    home.mkdir()
    shutil.copy(empty_mlflow, home / "mlflow.db")
    opened = Workspace(Settings(
        _env_file=None, environment="prod", home=home, database_url=SecretStr(fresh_database()),
        tracking_uri=f"sqlite:///{home}/mlflow.db",
    ))  # fmt: skip
    opened.ledger.create()
    yield opened
    opened.engine.dispose()


def carry(dev, prod, usecase, run_of, version="toys/2"):
    return transfer_version(dev, prod, usecase, version, run_of("models"), actor="os:ada")


def file_of(workspace: Workspace, version: str) -> Path:
    """Return where a registry of the test keeps a version's file."""
    name, _, number = version.partition("/")
    found = open_registry(workspace.settings).client.get_model_version(name, number)
    return Path(found.source.removeprefix("file://")) / "model.skops"


def test_the_same_file_arrives_under_the_targets_own_number(dev, prod, usecase, run_of):
    """The bytes are equal, the number is the target's, and both ledgers say what went where, and who asked."""
    done = carry(dev, prod, usecase, run_of)
    assert (done.version, done.arrived, done.is_new, done.decided) == ("toys/2", "toys/1", True, False)
    assert digest_of(file_of(dev, "toys/2")) == digest_of(file_of(prod, "toys/1")) == done.sha256
    arrived = version_of(prod, usecase, "toys/1")
    assert (arrived.sha256, arrived.month, arrived.candidate.decision) == (done.sha256, "2024-02", "TRANSFERRED")
    tags = open_registry(prod.settings).client.get_model_version("toys", "1").tags
    assert (tags["origin.environment"], tags["origin.version"]) == ("dev", "toys/2")
    for workspace, decision in ((dev, "SENT"), (prod, "RECEIVED")):
        (entry,) = workspace.ledger.entries("toys", kind="transfer")
        assert (entry.decision, entry.payload["actor"], entry.payload["sha256"]) == (decision, "os:ada", done.sha256)


def test_it_is_built_again_and_proved_where_it_arrived(dev, prod, usecase, run_of):
    """Replay is EQUAL from the target's own archive, and the proof that came along is the one the card shows."""
    carry(dev, prod, usecase, run_of)
    shutil.rmtree(Path(dev.settings.lake_root))
    replayed = replay_version(prod, usecase, "toys/1")
    assert [(check.what, check.verdict) for check in replayed.checks] == [
        ("dataset", "EQUAL"), ("parameters", "EQUAL"), ("predictions", "EQUAL"),
    ], replayed.as_dict()  # fmt: skip
    assert replayed.recorded_code == "0.1.0+test"
    assert replay_version(prod, usecase, "toys-baseline/1").is_equal
    card = issue_card(prod, usecase, "toys/1", run_of("report"))
    (proof,) = prod.ledger.entries("toys", kind="proof")
    assert (card.proof.sha256, proof.payload["origin"]["version"]) == (proof.payload["sha256"], "toys/2")


def test_the_targets_own_gate_decides(dev, prod, usecase, run_of):
    """What the source promotes, a stricter target rejects; the holdout is the snapshot's, the numbers are the same."""
    promote_candidate(dev, usecase, "2024-02", run_of("promote"))
    carry(dev, prod, usecase, run_of)
    strict = governed(usecase, {"toys": {"minimum_gain_over_baseline": 0.49}})
    outcome = promote_candidate(prod, strict, "2024-02", run_of("promote"))
    assert outcome.partitions == ("2024-03",)
    here, there = (each.ledger.last("toys", "promotion", "model", partition="2024-03") for each in (dev, prod))
    assert (here.payload["challenger"]["model_version"], there.payload["challenger"]["model_version"]) == (
        "toys/2", "toys/1",
    )  # fmt: skip
    assert (there.decision, there.payload["serves"]["role"]) == ("REJECT", "baseline")
    assert there.payload["challenger"]["metrics"] == pytest.approx(here.payload["challenger"]["metrics"])
    assert there.payload["holdout"] == here.payload["holdout"]


def test_the_target_may_ask_a_person(dev, prod, usecase, run_of):
    """Where the target's environment asks for approval, what was brought waits for it as what was trained there."""
    prod.settings = prod.settings.model_copy(update={"approval": Approval(required=True)})
    carry(dev, prod, usecase, run_of)
    assert promote_candidate(prod, usecase, "2024-02", run_of("promote")).details["waits_for"] == "2024-03"
    assert open_question(prod.ledger, usecase).verdict["challenger"]["model_version"] == "toys/1"


def test_a_second_transfer_changes_nothing(dev, prod, usecase, run_of):
    """The same version again is the same version: no number, no file and no entry is added on either side."""
    carry(dev, prod, usecase, run_of)
    before = [len(each.ledger.entries()) for each in (dev, prod)]
    done = carry(dev, prod, usecase, run_of)
    assert (done.arrived, done.is_new) == ("toys/1", False)
    assert [len(each.ledger.entries()) for each in (dev, prod)] == before
    assert open_registry(prod.settings).described("toys", 2) is None


def test_a_changed_file_does_not_travel(dev, prod, usecase, run_of):
    """A file that is not the registered one is refused before anything arrives."""
    version_of(dev, usecase, "toys/2")
    issue_card(dev, usecase, "toys/2", run_of("report"))
    file = file_of(dev, "toys/2")
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(ModelTampered, match="not transferred"):
        carry(dev, prod, usecase, run_of)
    assert prod.ledger.entries("toys", kind="candidate") == []
    assert open_registry(prod.settings).described("toys", 1) is None


def test_a_decided_month_is_left_to_people(dev, prod, usecase, run_of):
    """A version for a month that the target has decided changes no decision by itself, but is known there."""
    carry(dev, prod, usecase, run_of)
    promote_candidate(prod, usecase, "2024-02", run_of("promote"))
    done = carry(dev, prod, usecase, run_of, "toys/1")
    assert (done.arrived, done.decided) == ("toys/2", False)
    prod.ledger.append(run_of("promote"), kind="promotion", subject="model", partition="2024-02", decision="HOLD",
                       effective_at=prod.ledger.entries("toys")[0].effective_at,
                       payload={"serves": None, "challenger": None, "baseline": None})  # fmt: skip
    assert carry(dev, prod, usecase, run_of, "toys/1").decided


def test_where_nothing_is_trained_what_was_brought_serves_until_the_next_version(dev, prod, usecase, land, run_of):
    """Trainings and searches skip and say why; what serves goes on in months that nobody decides.

    A version that comes when days up to 3 March are scored is judged by the gate, and serves from the 4th on.
    """
    prod.settings = prod.settings.model_copy(update={"trains": False, "approval": Approval()})
    gate = Gate(metric="roc_auc", refresh_margin=0.2)
    here = usecase.model_copy(update={"trains": False, "gate": gate, "search": SEARCH})
    for outcome in (train_candidate(prod, here, "2024-01", run_of("train")),
                    plan_search(prod, here, "2024-01", run_of("search")),
                    promote_candidate(prod, here, "2024-01", run_of("promote"))):  # fmt: skip
        assert (outcome.status, "`catena models transfer` brings versions" in outcome.reason) == ("skipped", True)
    with pytest.raises(NotSearchable, match="trains nothing"):
        search_in_process(prod, here, "2024-01", run_of("search"))
    assert prod.ledger.entries() == []

    carry(dev, prod, usecase, run_of, "toys/1")
    assert promote_candidate(prod, here, "2024-01", run_of("promote")).partitions == ("2024-02",)
    arriving(dev, prod, usecase, land, run_of, [*FEBRUARY, *MARCH[:3]])
    for month in ("2024-02", "2024-03"):
        assert score_partition(prod, here, month, run_of("score")).status == "published"
    assert promote_candidate(prod, here, "2024-02", run_of("promote")).status == "skipped"

    carry(dev, prod, usecase, run_of, "toys/2")
    assert promote_candidate(prod, here, "2024-02", run_of("promote")).partitions == ("2024-03-04",)
    decided = prod.ledger.last("toys", "promotion", "model", partition="2024-03-04")
    assert (decided.decision, decided.payload["training_month"]) == ("PROMOTE", "2024-02")
    assert {check["name"] for check in decided.payload["checks"]}
    arriving(dev, prod, usecase, land, run_of, MARCH[3:5])
    score_partition(prod, here, "2024-03", run_of("score"))
    rows = prod.lake(here).read("predictions").to_pylist()
    served = {row["partition"]: row["model_version"] for row in rows}
    assert served == dict.fromkeys([*FEBRUARY, *MARCH[:3]], "toys/1") | dict.fromkeys(MARCH[3:5], "toys/2")
    assert {row["revision"] for row in rows} == {1}


def arriving(dev, prod, usecase, land, run_of, days):
    """Let the features of days come to an environment, as they come to the other one."""
    land(days)
    rows = dev.lake(usecase).read("features", days)
    prod.lake(usecase).overwrite("features", rows, run=run_of("ingest"), partitions=days, standing="final")


def test_one_environment_is_no_destination(dev, usecase, run_of):
    """A version goes elsewhere, and a baseline goes along with its model alone."""
    with pytest.raises(TransferRefused, match="one environment"):
        carry(dev, dev, usecase, run_of)
