"""Proof and model card of a version that was really trained: kept under its digest, cited number by number."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import catena.declared
import catena.workspace
from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying.versions import UnknownVersion, version_of
from catena.chain.proving.card import card_path, issue_card, issue_cards
from catena.chain.proving.proof import differing_parts, proof_of
from catena.chain.training.train import train_candidate
from catena.cli.app import app
from catena.declaration import Direction, Fairness, Invariance, MinimumFunctionality, Proof
from catena.lake import ArchiveDamaged
from catena.partitions import days_of_month
from catena.reports import card_disagreements, card_page, evidence_of, numbers_of

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
PROOF = Proof(
    audience="Shops that order stock.",
    limits=("Two shops alone.",),
    not_for=("Pricing a customer.",),
    tests=(
        Direction(name="more_signal", reason="More signal, more sold.", column="signal", add=0.2, expected="not_lower"),
        Direction(name="wrong_way", reason="More <signal>, less sold.", column="signal", add=0.2,
                  expected="not_higher"),
        Invariance(name="deaf", reason="Signal does not matter.", change={"signal": 0.0}, tolerance=0.01),
        MinimumFunctionality(name="clear", reason="A loud signal ranks above a faint one.", lower={"signal": 0.1},
                             higher={"signal": 0.9}),
    ),
    fairness=(
        Fairness(name="level", reason="Customers of <one> shop are judged as those of the other.", by="shop",
                 measure="calibration", tolerance=0.3, minimum_rows=10),
        Fairness(name="missed", reason="Sales of no shop are missed.", by="shop", measure="false_negative_rate",
                 threshold=0.5, tolerance=0.01),
    ),
    sources={"sensors": ("signal",)},
)  # fmt: skip


@pytest.fixture
def proven(usecase):
    """The use case with a proof declared."""
    return usecase.model_copy(update={"proof": PROOF})


@pytest.fixture
def trained(local, proven, land, run_of, begin):
    """January, trained."""

    def live():
        land(days_of_month("2024-01"))
        train_candidate(local, proven, "2024-01", run_of("train"))

    return begin("trained", live)


def test_the_proof_is_made_once_and_again_the_same(trained, proven, run_of):
    """The document stands under its digest; measured again it is equal; another declaration asks for another one."""
    version = version_of(trained, proven, "toys/1")
    made = proof_of(trained, proven, version, run_of("promote"))
    assert {item["name"]: item["verdict"] for item in made.document["behaviour"]} == {
        "more_signal": "passed", "wrong_way": "failed", "deaf": "failed", "clear": "passed",
    }  # fmt: skip
    assert made.document["robustness"][0]["reason"].startswith("Input X contains NaN")
    assert made.document["importance"][0]["loss"]["low"] > 0.05
    assert {item["name"]: item["verdict"] for item in made.document["training"]} == {
        "finite": "passed", "learned": "passed", "converged": "passed",
    }  # fmt: skip
    assert differing_parts(trained, proven, version, run_of("promote")) == []
    entries = trained.ledger.entries("toys", kind="proof")
    assert [(entry.subject, entry.decision, entry.payload["sha256"]) for entry in entries] == [
        ("toys/1", "FAILED", made.sha256)
    ]
    fewer = proven.model_copy(update={"proof": PROOF.model_copy(update={"tests": PROOF.tests[:1]})})
    assert proof_of(trained, fewer, version, run_of("promote")).sha256 != made.sha256
    Path(made.place).write_text("{}")
    with pytest.raises(ArchiveDamaged, match="restore it from a copy"):
        proof_of(trained, proven, version, run_of("promote"))
    with pytest.raises(UnknownVersion, match="nothing to prove"):
        proof_of(trained, proven, version_of(trained, proven, "toys-baseline/1"), run_of("promote"))


def test_the_card_says_all_and_cites_each_number(trained, proven, run_of):
    """Use, snapshot, metrics beside the baseline, tests, verdict, service and digests; the index leads to it."""
    assert issue_cards(trained, proven, "2024-01", run_of("report")).status == "unchanged"
    early = issue_card(trained, proven, "1", run_of("train")).path.read_text(encoding="utf-8")
    assert "No decision on it has been made yet." in early
    assert "It has not served." in early
    promote_candidate(trained, proven, "2024-01", run_of("promote"))
    outcome = issue_cards(trained, proven, "2024-01", run_of("report"))
    assert (outcome.status, outcome.partitions) == ("published", ("2024-01",))
    page = card_path(trained, proven, "toys/1").read_text(encoding="utf-8")
    facts = evidence_of(page)["facts"]
    version = version_of(trained, proven, "toys/1")
    for said in (
        "Shops that order stock.", "Two shops alone.", "Pricing a customer.", facts["proof"]["snapshot"],
        "By slice", "More &lt;signal&gt;, less sold.", "refuses", "PROMOTE for 2024-02",
        "2024-02-01 to now, by promotion", "catena models replay toys/1", version.sha256,
        facts["digests"]["Parameters"], facts["digests"]["Proof"],
    ):  # fmt: skip
        assert said in page, said
    assert page.count("<svg") == 2
    assert len(numbers_of(page)) > 80
    assert card_disagreements(page) == []
    auc = facts["proof"]["metrics"]["roc_auc"]
    assert f">{auc['estimate']:.3f}<" in page
    index = (trained.settings.pages / "index.html").read_text(encoding="utf-8")
    assert 'href="toys/cards/toys-1.html"' in index
    assert issue_cards(trained, proven, "2024-01", run_of("report")).status == "unchanged"
    changed = re.sub(r'(data-n="proof.metrics.brier.estimate[^>]*>)[^<]*<', r"\g<1>0.001<", page, count=1)
    assert len(card_disagreements(changed)) == 1
    assert len(trained.ledger.entries("toys", kind="proof")) == 1


def test_the_command_writes_the_card_and_measures_again(trained, proven, monkeypatch):
    """It says where card and proof are; --again finds the same; an unknown version is a usage error."""
    monkeypatch.setattr(catena.workspace, "Workspace", lambda: trained)
    monkeypatch.setattr(catena.declared, "declared_usecase", lambda _: proven)
    monkeypatch.setenv("COLUMNS", "200")
    found = CliRunner().invoke(app, ["models", "card", "toys", "toys/1", "--again"])
    assert (found.exit_code, "toys-1.html" in found.stdout) == (0, True)
    assert "the same, byte for byte" in found.stdout
    assert "/catena/toys/cards/toys-1.html" in found.stdout
    shown = json.loads(CliRunner().invoke(app, ["models", "card", "toys", "1", "--json"]).stdout)
    assert shown["version"] == "toys/1"
    assert CliRunner().invoke(app, ["models", "card", "toys", "9"]).exit_code == 2


def test_the_card_compares_groups_and_tells_what_moves_the_scores(trained, proven, run_of):
    """Two comparisons of two shops, the signal as all that moves a score, and the selection where one was made."""
    page = issue_card(trained, proven, "toys/1", run_of("report")).path.read_text(encoding="utf-8")
    facts = evidence_of(page)["facts"]
    verdicts = {(item["name"], item["group"]): item["verdict"] for item in facts["proof"]["fairness"]}
    assert {key: verdicts[key] for key in (("level", "A"), ("level", "B"))} == {
        ("level", "A"): "passed", ("level", "B"): "passed",
    }  # fmt: skip
    assert verdicts["missed", "A"] == "not shown"
    assert "Customers of &lt;one&gt; shop are judged as those of the other." in page
    (share,) = facts["proof"]["shares"]["columns"]
    assert (share["column"], share["amount"] > 0.05) == ("signal", True)
    assert "Why these features" not in page
    chosen = {"month": "2024-01", "reason": "One is kept.", "features": [
        {"column": "signal", "is_kept": True, "because": "helps", "reason": "Shuffled, it costs much."},
        {"column": "shop", "is_kept": False, "because": "not shown to help", "reason": "It costs nothing."},
    ]}  # fmt: skip
    again = card_page(proven, facts | {"selection": chosen})
    assert "It costs nothing." in again
    assert card_disagreements(again) == []
