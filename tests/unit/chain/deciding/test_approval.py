"""Promotions that wait for a person: what waits, what follows from each answer, and what the ledger keeps."""

from __future__ import annotations

import pytest

from catena.chain.deciding.approval import Answer, body_of, open_question, questions_of, record_answer, subject_of
from catena.chain.deciding.promote import conclude_promotion, promote_candidate
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.environments import Approval
from catena.partitions import days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")
APPROVED = Answer("APPROVED", "airflow:admin", "agreed", "2024-02-01T09:00:00+00:00", "os:alice")
REFUSED = Answer("REFUSED", "airflow:bob", "holidays ahead", "2024-02-01T09:00:00+00:00")
EXPIRED = Answer("EXPIRED", None, "", "2024-02-04T09:00:00+00:00")


@pytest.fixture
def asking(local, usecase, land, run_of, begin):
    """A workspace whose environment asks for approval, with January and February trained."""

    def live():
        land(JANUARY)
        land(FEBRUARY)
        train_candidate(local, usecase, "2024-02", run_of("train"))

    begin("trained", live)
    local.settings = local.settings.model_copy(update={"approval": Approval(required=True, hours=48)})
    return local


def standing(workspace, month):
    entry = workspace.ledger.last("toys", "promotion", "model", partition=month)
    return entry and (entry.decision, (entry.payload["serves"] or {}).get("model_version"))


def answer(workspace, usecase, said, run):
    record_answer(workspace.ledger, open_question(workspace.ledger, usecase), said, run)


def test_what_the_gate_would_promote_waits_and_later_months_with_it(asking, usecase, run_of):
    """Nothing is decided before the answer, the question is asked once, and scoring says what it waits for."""
    for _ in range(2):
        outcome = promote_candidate(asking, usecase, "2024-02", run_of("promote"))
        assert (outcome.status, outcome.details["waits_for"]) == ("skipped", "2024-02")
    assert (standing(asking, "2024-02"), standing(asking, "2024-03")) == (None, None)
    assert [entry.decision for entry in asking.ledger.entries("toys", kind="approval")] == ["REQUESTED"]
    assert "2024-02 waits for approval" in score_partition(asking, usecase, "2024-02", run_of("score")).reason


def test_the_question_says_what_is_to_be_approved(asking, usecase, run_of):
    """Challenger, champion, gain with its interval, calibration, behaviour, and a card that can be opened."""
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    question = open_question(asking.ledger, usecase)
    assert "may toys/1 serve from 2024-02 on, as the first model?" in subject_of(usecase, question)
    body = body_of(usecase, question, 48, "/catena")
    gain = next(check for check in question.verdict["checks"] if check["name"] == "beats_baseline")["numbers"]
    for words in (
        "toys/1", f"{gain['estimate']:+.4f}", f"{gain['low']:+.4f} to {gain['high']:+.4f}", "Calibration", "Behaviour",
        "/catena/toys/cards/toys-1.html", "within 48 hours",
    ):  # fmt: skip
        assert words in body, body
    assert (asking.settings.pages / "toys" / "cards" / "toys-1.html").exists()


def test_approval_promotes_with_who_when_and_why(asking, usecase, run_of):
    """The decision is the verdict that was shown, and names the person; the next month is judged against it."""
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    verdict = open_question(asking.ledger, usecase).verdict
    answer(asking, usecase, APPROVED, run_of("promote"))
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    entry = asking.ledger.last("toys", "promotion", "model", partition="2024-02")
    assert standing(asking, "2024-02") == ("PROMOTE", "toys/1")
    assert entry.payload["approval"] == {
        "said": "APPROVED", "actor": "airflow:admin", "on_behalf_of": "os:alice", "reason": "agreed",
        "at": "2024-02-01T09:00:00+00:00",
    }  # fmt: skip
    assert entry.payload["challenger"] == verdict["challenger"]
    assert "os:alice as airflow:admin" in entry.payload["reasons"][-1]
    # February's own candidate is not shown to be better than January's, so nobody is asked.
    after = asking.ledger.last("toys", "promotion", "model", partition="2024-03")
    assert (after.decision in {"HOLD", "REJECT"}, after.payload["incumbent"]) == (True, "toys/1")
    assert open_question(asking.ledger, usecase) is None


@pytest.mark.parametrize("said", [REFUSED, EXPIRED], ids=["refused", "expired"])
def test_refusal_and_silence_hold(asking, usecase, run_of, said):
    """Without a yes nothing new serves; the record says which it was, and the question does not come again."""
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    answer(asking, usecase, said, run_of("promote"))
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    assert standing(asking, "2024-02") == ("HOLD", "toys-baseline/1")
    reasons = asking.ledger.last("toys", "promotion", "model", partition="2024-02").payload["reasons"]
    assert reasons[0] == said.sentence()
    assert [question.month for question in questions_of(asking.ledger, usecase)] == ["2024-02", "2024-03"]


def test_a_run_tells_all_that_it_decided(asking, usecase, run_of):
    """What was decided before the answer and after it is told once, together, also by a run that is tried again."""
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    answer(asking, usecase, APPROVED, run_of("promote"))
    for _ in range(2):
        outcome = conclude_promotion(asking, usecase, "2024-01", run_of("promote"))
        assert (outcome.status, outcome.partitions) == ("published", ("2024-02", "2024-03"))


def test_a_question_that_nobody_need_answer_is_closed(asking, usecase, run_of):
    """Where the environment asks no more, the months are decided by the gate, and nothing waits."""
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    asking.settings = asking.settings.model_copy(update={"approval": Approval()})
    promote_candidate(asking, usecase, "2024-01", run_of("promote"))
    assert standing(asking, "2024-02") == ("PROMOTE", "toys/1")
    assert open_question(asking.ledger, usecase) is None


def test_only_the_named_use_cases_ask():
    """An environment may ask for one use case and let another run alone."""
    approval = Approval(required=True, usecases=("trains",))
    assert (approval.is_needed("trains"), approval.is_needed("toys"), Approval().is_needed("toys")) == (
        True, False, False,
    )  # fmt: skip
