"""The score card of a small installation: pages whose links open, one entry, and what promotion makes of it."""

from __future__ import annotations

import json
import re

import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.proving.card import issue_card
from catena.chain.score_card.card import card_path, issue_score_card, score_card
from catena.chain.score_card.evidence import gather
from catena.chain.score_card.record import scores_before, sections_of
from catena.chain.scoring.score import score_partition
from catena.chain.training.replay import enter_replay, replay_version
from catena.chain.training.train import train_candidate
from catena.chain.watching.monitor import monitor_partition
from catena.partitions import days_of_month
from catena.run import code_version

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")


@pytest.fixture
def served(local, usecase, land, run_of, begin):
    """January trained and promoted, February served and measured, the version replayed and its card issued."""

    def live():
        land(JANUARY)
        train_candidate(local, usecase, "2024-01", run_of("train"))
        promote_candidate(local, usecase, "2024-01", run_of("promote"))
        land(FEBRUARY)
        score_partition(local, usecase, "2024-02", run_of("score"))
        monitor_partition(local, usecase, "2024-02", run_of("monitor"))
        enter_replay(local, usecase, replay_version(local, usecase, "toys/1"), run_of("models"))
        issue_card(local, usecase, "toys/1", run_of("models"))

    begin("served", live)
    tests = {"test": "tests/chain/test_scheduled_chain.py::test_no_run_failed", "outcome": "passed"}
    lines = [{**tests, "code": code_version()}, {**tests, "code": "another"}]
    local.settings.recorded_tests.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return local


def test_every_link_of_the_card_opens(served, usecase, run_of):
    """Each address leads to a file that is there, and to a place in it that is there; the JSON says the same."""
    outcome = issue_score_card(served, usecase, None, run_of("report"))
    path = card_path(served, usecase, "2024-02")
    assert (outcome.status, outcome.partitions, outcome.details["path"]) == ("published", ("2024-02",), str(path))
    page = path.read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', page)
    assert len(links) > 10
    assert any(link.startswith("../cards/") for link in links)
    for link in links:
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.is_file(), link
        assert not anchor or f'id="{anchor}"' in target.read_text(encoding="utf-8"), link
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert said["overall"] == min(said["sections"].values())
    assert len(re.findall(r'<tr id="', page)) == len(said["tests"]) == 28
    index = (served.settings.pages / "index.html").read_text(encoding="utf-8")
    assert "toys/score-cards/2024-02.html" in index


def test_what_happened_is_what_scores(served, usecase):
    """What this installation did is 1, what nobody did is 0; tests of other code do not count."""
    scores = score_card(gather(served, usecase)).scores
    done = (
        "infrastructure-6",
        "infrastructure-1",
        "infrastructure-3",
        "infrastructure-4",
        "infrastructure-5",
        "model-5",
        "model-6",
    )
    assert {test: scores[test] for test in done} == dict.fromkeys(done, 1.0)
    undone = ("model-3", "infrastructure-2", "infrastructure-7")
    assert {test: scores[test] for test in undone} == dict.fromkeys(undone, 0.0)
    # Its card measures what each column is worth, and nobody decided on one.
    assert scores["data-2"] == 0.5


def test_the_same_card_is_entered_once_and_decisions_keep_the_one_before(served, usecase, run_of):
    """February's card takes effect with March: April's decision keeps it, March's own does not see it."""
    issue_score_card(served, usecase, None, run_of("report"))
    assert issue_score_card(served, usecase, None, run_of("report")).status == "unchanged"
    (entry,) = served.ledger.entries("toys", kind="score-card")
    assert scores_before(served.ledger, usecase, "2024-03") is None
    assert scores_before(served.ledger, usecase, "2024-04") == entry.payload["scores"]
    strict = usecase.model_copy(update={"gate": usecase.gate.model_copy(update={"minimum_score": 6.5})})
    train_candidate(served, strict, "2024-02", run_of("train"))
    promote_candidate(served, strict, "2024-02", run_of("promote"))
    decision = served.ledger.last("toys", "promotion", "model", partition="2024-03")
    assert "No ML Test Score is on record from before." in decision.payload["reasons"]
    assert "score_card" not in decision.payload


def test_a_section_is_the_sum_of_its_tests():
    """By hand: 1 + 0.5 of one section, 0 of another."""
    assert sections_of({"data-1": 1.0, "data-2": 0.5, "model-1": 0.0}) == {"data": 1.5, "model": 0.0}
