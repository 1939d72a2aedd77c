"""A person's approval of a promotion: asked once for each comparison, answered by a person or by the clock.

The ledger holds the question with the whole verdict (REQUESTED), and the answer with who, when and why. How people are
reached belongs in `catena_airflow`; what follows from an answer, in `catena.chain.deciding.promote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from catena.chain.deploying.deployments import is_by_gate
from catena.chain.proving.card import issue_card
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.partitions import start_of
from catena.registry.checks import Check
from catena.registry.promotion import GAINS
from catena.run import Run
from catena.workspace import Workspace

Payload = dict[str, Any]
Said = Literal["APPROVED", "REFUSED", "EXPIRED"]
_REQUESTED = "REQUESTED"


@dataclass(frozen=True)
class Answer:
    """What became of a question.

    Attributes:
        actor: who answered, as `airflow:admin`; None where nobody did in time.
        on_behalf_of: user of the shell in which the command line answered.
        at: instant of the answer, ISO 8601.
    """

    said: Said
    actor: str | None
    reason: str
    at: str
    on_behalf_of: str | None = None

    def sentence(self) -> str:
        """Return the answer for the ledger and the report."""
        if self.said == "EXPIRED":
            return f"Nobody approved it in time; the question expired at {self.at}."
        by = f"{self.on_behalf_of} as {self.actor}" if self.on_behalf_of else self.actor
        return f"{self.said.capitalize()} by {by} at {self.at}: {self.reason or 'no reason given'}."


@dataclass(frozen=True)
class Question:
    """A promotion that a person is asked to approve.

    Attributes:
        asked: the ledger's entry; its payload is the verdict.
        answered: the entry on the answer, None while it waits.
    """

    asked: Entry
    answered: Entry | None

    @property
    def month(self) -> str:
        """Month from which on the promotion would hold; of a training off schedule, day."""
        return self.asked.partition

    @property
    def verdict(self) -> Payload:
        """The judged promotion as it was when the question was asked, with the decision of the gate."""
        return dict(self.asked.payload["verdict"])

    @property
    def answer(self) -> Answer | None:
        """The answer, None while it waits."""
        return None if self.answered is None else Answer(**self.answered.payload["answer"])

    def is_about(self, challenger: str | None, incumbent: str | None) -> bool:
        """Return whether it asks to replace this version of a model by that one."""
        verdict = self.asked.payload["verdict"]
        return ((verdict["challenger"] or {}).get("model_version"), verdict["incumbent"]) == (challenger, incumbent)


def questions_of(ledger: Ledger, usecase: UseCase, month: str | None = None) -> list[Question]:
    """Return all questions, or those on a month, in the order in which they were asked, each with its answer."""
    found: list[Question] = []
    entries = ledger.entries(usecase.name, kind="approval", subject="model", partition=month)
    for entry in sorted(entries, key=lambda entry: entry.id):
        if entry.decision == _REQUESTED:
            found.append(Question(entry, None))
            continue
        place = next(at for at, each in enumerate(found) if each.asked.id == entry.payload["question"])
        found[place] = Question(found[place].asked, entry)
    return found


def question_on(ledger: Ledger, usecase: UseCase, month: str) -> Question | None:
    """Return the newest question on what serves from a month on, None where none was asked."""
    asked = questions_of(ledger, usecase, month)
    return asked[-1] if asked else None


def open_question(ledger: Ledger, usecase: UseCase) -> Question | None:
    """Return the question that waits for an answer; later months wait for it, so there is one at most.

    A question is closed, too, where its month was decided since: another version serves now, or nobody need be asked.
    """
    decided: dict[str, int] = {}
    for entry in ledger.entries(usecase.name, kind="promotion", subject="model"):
        if is_by_gate(entry):
            decided[entry.partition] = max(entry.id, decided.get(entry.partition, 0))
    newest = {question.month: question for question in questions_of(ledger, usecase)}
    waiting = (
        question
        for month, question in sorted(newest.items())
        if question.answered is None and question.asked.id > decided.get(month, 0)
    )
    return next(waiting, None)


def ask(workspace: Workspace, usecase: UseCase, month: str, run: Run, verdict: Payload) -> None:
    """Enter the question whether a judged promotion may take effect, after the challenger's card is issued."""
    card = _card(workspace, usecase, verdict["challenger"]["model_version"], run)
    workspace.ledger.append(
        run, kind="approval", subject="model", partition=month, decision=_REQUESTED, effective_at=start_of(month),
        payload={"verdict": verdict, "card": card, "reason": f"Waits for approval: {verdict['reasons'][0]}"},
    )  # fmt: skip


def record_answer(ledger: Ledger, question: Question, answer: Answer, run: Run) -> None:
    """Enter the answer to a question."""
    ledger.append(
        run, kind="approval", subject="model", partition=question.month, decision=answer.said,
        effective_at=start_of(question.month),
        payload={
            "answer": asdict(answer), "reason": answer.sentence(), "actor": answer.on_behalf_of or answer.actor,
            "question": question.asked.id, "challenger": question.verdict["challenger"]["model_version"],
        },
    )  # fmt: skip


def concluded(verdict: Payload, answer: Answer, kept: Mapping[str, Any] | None) -> Payload:
    """Return a judged promotion as the answer leaves it: PROMOTE by approval, else HOLD.

    Args:
        kept: what serves where it is not approved.
    """
    is_approved = answer.said == "APPROVED"
    check = Check("is_approved", "passed" if is_approved else "failed", "PROMOTE" if is_approved else "HOLD",
                  answer.sentence())  # fmt: skip
    said = [answer.sentence()]
    kept_of = verdict if is_approved else {name: value for name, value in verdict.items() if name != "canary"}
    return {
        **kept_of,
        "decision": check.asks,
        "serves": verdict["serves"] if is_approved else kept,
        "checks": [*verdict["checks"], asdict(check)],
        "reasons": [*verdict["reasons"], *said] if is_approved else [*said, *verdict["reasons"]],
        "approval": asdict(answer),
    }


def subject_of(usecase: UseCase, question: Question) -> str:
    """Return the question in one line."""
    challenger, incumbent = question.verdict["challenger"]["model_version"], question.verdict["incumbent"]
    instead = f"instead of {incumbent}" if incumbent else "as the first model"
    return f"{usecase.title}: may {challenger} serve from {question.month} on, {instead}?"


def body_of(usecase: UseCase, question: Question, hours: float, pages: str) -> str:
    """Return in plain words, as Markdown, what is to be approved and what follows from each answer.

    Args:
        hours: how long an answer is waited for.
        pages: address under which the pages are served.
    """
    verdict, card = question.verdict, question.asked.payload["card"]
    checks, held = verdict["checks"], verdict["holdout"]
    gains = [check["reason"] for check in checks if check["name"] in GAINS]
    calibration = [check["reason"] for check in checks if check["name"] == "is_calibrated"]
    rest = [check for check in checks if check["name"] not in {*GAINS, "is_calibrated"}]
    passed, unjudged = (sum(check["status"] == status for check in rest) for status in ("passed", "not judged"))
    facts = [
        f"Challenger: {verdict['challenger']['model_version']}, trained on the data up to {verdict['training_month']}.",
        f"Serves now: {verdict['incumbent'] or 'no model; a baseline, or nothing'}.",
        f"Judged on {held['rows']} rows of {held['first']} to {held['last']}, which the challenger did not learn from.",
        *gains,
        *(calibration or ["Calibration: this use case declares no limit."]),
        _behaviour(card["behaviour"]),
        f"Further checks: {passed} passed, {unjudged} could not be judged and have no veto.",
        *(f"Failed, without a veto: {check['reason']}" for check in rest if check["status"] == "failed"),
        f"[Model card]({pages}/{card['path']}): {card['headline']}",
    ]
    if canary := verdict.get("canary"):
        facts.append(f"It begins as a canary: on {canary['share']:.0%} of the keys for {canary['days']} days.")
    follows = (
        f"Approve: it serves from {question.month} on. Reject, or no answer within {hours:g} hours: what serves goes "
        "on serving. Give the reason; the ledger keeps who answered, when and why."
    )
    return "\n".join([*(f"- {fact}" for fact in facts), "", follows])


def _behaviour(verdicts: Mapping[str, str]) -> str:
    """Return how the behaviour tests of the proof went."""
    if not verdicts:
        return "Behaviour: this use case declares no tests."
    open_ones = [f"{name}: {verdict}" for name, verdict in verdicts.items() if verdict != "passed"]
    said = f"Behaviour: {len(verdicts) - len(open_ones)} of {len(verdicts)} tests passed"
    return f"{said}; {', '.join(open_ones)}." if open_ones else f"{said}."


def _card(workspace: Workspace, usecase: UseCase, version: str, run: Run) -> Payload:
    """Issue the challenger's card, so that whoever is asked can read it, and return what the question shows of it."""
    card = issue_card(workspace, usecase, version, run)
    behaviour = {item["name"]: item["verdict"] for item in card.proof.document["behaviour"]}
    path = card.path.relative_to(workspace.settings.pages)
    return {"path": path.as_posix(), "headline": card.headline, "proof": card.proof.sha256, "behaviour": behaviour}
