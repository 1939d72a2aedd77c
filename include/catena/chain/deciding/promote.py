"""The promotion link: what serves after each training, decided in order and written to the ledger.

The conditions themselves belong in `catena.registry.promotion`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catena.chain.deciding.approval import ask, concluded, question_on
from catena.chain.deciding.gate import Contender, Gatekeeper, Role, window_quality
from catena.chain.deciding.rehearsal import rehearse
from catena.chain.deploying.deployments import Deployments, is_by_gate, model_of
from catena.chain.deploying.mirror import mirror
from catena.chain.deploying.trials import planned_canary
from catena.chain.exclusive import exclusively
from catena.chain.score_card.record import scores_before, sections_of
from catena.chain.training.candidate import Training
from catena.chain.training.recipes import Recipes, model_of_version
from catena.chain.training.snapshots import snapshot_of
from catena.chain.training.train import record_candidate
from catena.chain.training.training_data import (
    NEVER_TRAINS,
    TrainingTables,
    effect_of,
    never_trained,
    open_registry,
    training_key,
    training_keys,
)
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.modeling.errors import ModelingError
from catena.partitions import days_of, start_of
from catena.registry.promotion import Decision, decide
from catena.registry.store import Registry
from catena.run import Outcome, Run
from catena.workspace import Workspace

Payload = dict[str, Any]
_VERSION = ("model_version", "run_id", "sha256")


def promote_candidate(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Decide what serves after the month, and after every later training that waited for this decision, in order.

    A run for a month without a candidate means that its training broke down: what serves goes on serving. A decision
    that was made against a version which has been rolled back since, as of that month, is made anew: so a backfill,
    which decides on months before it has measured them, ends with the decisions of the days lived one by one.

    Where the environment asks for approval, a month that the gate would promote waits for a person's answer, and later
    months wait for it; called again, the answer is followed.

    Args:
        month: training month, whose decision takes effect with the next one; or the day of a training off schedule,
            whose decision takes effect on the day after and holds until the month's.

    Returns:
        The outcome; its partitions are the months, and of trainings off schedule the days, from which on it is decided;
        its detail `waits_for` is the one that waits for approval, if one does.
    """
    month = training_key(month)
    ledger = workspace.ledger
    if refusal := never_trained(usecase, month) or _never_brought(ledger, usecase, month):
        return Outcome("skipped", refusal)
    with exclusively(workspace.engine, (usecase.name, "promote")):
        _record_breakdown(ledger, usecase, month, run)
        candidates = _entries(ledger, usecase, "candidate")
        deployments = Deployments(ledger, usecase)
        made: dict[str, Payload] = {}
        waits_for: str | None = None
        for each in training_keys(usecase, max(candidates), candidates):
            candidate = candidates.get(each)
            effective = _effect(each, candidate)
            if deployments.decision(effective) is not None and not _is_open(deployments, effective, candidate):
                continue
            if candidate is None and _is_passed_over(candidates, each):
                continue
            if candidate is None:
                break
            decided = _Promotion(workspace, usecase, run, candidate, deployments).decide()
            if decided is None:
                waits_for = effective
                break
            made[effective] = decided
            deployments = Deployments(ledger, usecase)
        mirrored = mirror(workspace, usecase, deployments) if made else None
    if made:
        details = {"decisions": made, "alias": mirrored, "waits_for": waits_for}
        return Outcome("published", _said(made), tuple(made), details=details)
    if waits_for is not None:
        return Outcome("skipped", f"{waits_for} waits for approval", details={"waits_for": waits_for})
    effective = _effect(month, candidates.get(month))
    if deployments.decision(effective) is not None:
        return Outcome("unchanged", f"{effective} is decided already", (effective,) if run.try_number > 1 else ())
    return Outcome("skipped", f"waiting for the candidates of the months before {month}")


def conclude_promotion(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Follow the answer that was given since; return all decisions that this run recorded, before it and after it.

    Args:
        month: training month of the run, or the day of one off schedule.
    """
    outcome = promote_candidate(workspace, usecase, month, run)
    entries = workspace.ledger.entries(usecase.name, kind="promotion", subject="model")
    made = {
        entry.partition: entry.payload | {"decision": entry.decision}
        for entry in entries
        if entry.run_id == run.run_id and is_by_gate(entry)
    }
    if not made:
        return outcome
    return replace(outcome, status="published", reason=_said(made), partitions=tuple(made),
                   details=outcome.details | {"decisions": made})  # fmt: skip


class _Promotion:
    """One decision: a candidate against what serves when it could take effect."""

    def __init__(
        self, workspace: Workspace, usecase: UseCase, run: Run, candidate: Entry, deployments: Deployments
    ) -> None:
        self._workspace = workspace
        self._usecase = usecase
        self._run = run
        self._candidate = candidate
        self._effective = _effect(candidate.partition, candidate)
        self._serving = deployments.incumbent(self._effective)
        self._barred = deployments.barred(days_of(self._effective)[0])
        self._registry: Registry = open_registry(workspace.settings)

    def decide(self) -> Payload | None:
        """Record the decision and return its entry's payload with the decision; None while it waits for approval."""
        usecase, month = self._usecase, self._effective
        is_approval_needed = self._workspace.settings.approval.is_needed(usecase.name)
        question = question_on(self._workspace.ledger, usecase, month) if is_approval_needed else None
        version = self._candidate.payload.get("model_version")
        if question is not None and (version in self._barred or not question.is_about(version, self._incumbent)):
            # Something else serves now, or the version was rolled back: it is another question.
            question = None
        payload = question.verdict if question else self._judge()
        if is_approval_needed and payload["decision"] == "PROMOTE":
            if question is None:
                ask(self._workspace, usecase, month, self._run, payload)
            if question is None or question.answer is None:
                return None
            payload = concluded(payload, question.answer, self._kept(payload["baseline"]))
        decision = payload.pop("decision")
        self._workspace.ledger.append(self._run, kind="promotion", subject="model", partition=month, decision=decision,
                                      effective_at=start_of(month), payload=payload)  # fmt: skip
        return payload | {"decision": decision}

    @property
    def _incumbent(self) -> str | None:
        return model_of(self._serving)

    def _judge(self) -> Payload:
        """Judge all on the same rows; return the payload of the decision's entry, with the decision."""
        usecase, ledger, month = self._usecase, self._workspace.ledger, self._candidate.partition
        lake = self._workspace.lake(usecase)
        recipes = Recipes(ledger, usecase)
        snapshot = snapshot_of(lake, ledger, recipes.usecase(month), self._candidate, self._run)
        as_trained = usecase.model_copy(update={"model": snapshot.record.model})
        training = Training(as_trained, month, self._run, TrainingTables(lake, ledger, usecase), snapshot)
        keeper = Gatekeeper(usecase, self._registry, training.data.holdout)
        baseline = self._contender(keeper, self._baseline(training), "baseline")
        is_barred = self._candidate.payload.get("model_version") in self._barred
        challenger = None if is_barred else self._contender(keeper, self._candidate.payload, "challenger")
        is_model = self._serving is not None and self._serving["role"] == "champion"
        champion = self._contender(keeper, self._serving, "champion") if is_model else None
        scores = scores_before(ledger, usecase, self._effective)
        score = min(sections_of(scores).values()) if scores else None
        # The data that another environment's candidate learned from were judged there.
        quality = (self._candidate.payload.get("origin") or {}).get("quality") or window_quality(ledger, usecase, month)
        rehearsal = None if challenger is None else rehearse(lake, usecase, self._candidate, challenger)
        shown = _shown_better(recipes, month, challenger, champion) | {"score": score, "rehearsal": rehearsal}
        compared = None if challenger is None else keeper.compare(challenger, champion, baseline, quality | shown)
        failure = "the version was rolled back" if is_barred else self._candidate.payload.get("reason", "")
        found = decide(usecase.gate, compared, failure=failure)
        payload = {
            "decision": found.decision,
            "serves": self._serves(found, _facts(challenger), _facts(baseline)),
            "challenger": _facts(challenger), "champion": _facts(champion), "baseline": _facts(baseline),
            **found.as_dict(), "gate": usecase.gate.model_dump(),
            "training_month": month, "holdout": training.holdout(), "dataset": training.dataset(),
            "incumbent": self._incumbent,
            "is_breakdown": bool(self._candidate.payload.get("is_breakdown")),
        }  # fmt: skip
        canary = planned_canary(usecase, self._effective) if found.decision == "PROMOTE" and self._serving else None
        return payload | ({"canary": canary} if canary else {}) | ({"score_card": scores} if scores else {})

    def _baseline(self, training: Training) -> Payload | None:
        """Return the month's baseline; made here where the training broke down before it."""
        if (there := self._candidate.payload.get("baseline")) is not None:
            return dict(there)
        try:
            version, _ = training.make(self._registry, "baseline")
        except ModelingError:
            # No labelled row at all: nothing can serve, and the decision says so.
            return None
        return version.as_dict()

    def _contender(self, keeper: Gatekeeper, facts: Mapping[str, Any] | None, role: Role) -> Contender | None:
        if facts is None or facts.get("model_version") is None:
            return None
        model = model_of_version(self._workspace.ledger, self._usecase, facts)
        return keeper.contender({name: facts[name] for name in _VERSION}, role, model)

    def _serves(self, found: Decision, challenger: Payload | None, baseline: Payload | None) -> Payload | None:
        """Return what serves: the promoted challenger, else what is kept."""
        if found.decision == "PROMOTE" and challenger is not None:
            return {**_version(challenger), "role": "champion", "trained_on": self._candidate.partition}
        return self._kept(baseline)

    def _kept(self, baseline: Payload | None) -> Payload | None:
        """Return what serves where nothing is promoted: the champion, else the month's own baseline."""
        if self._serving is not None and (self._serving["role"] == "champion" or baseline is None):
            return self._serving
        month = self._candidate.partition
        return None if baseline is None else {**_version(baseline), "role": "baseline", "trained_on": month}


def _record_breakdown(ledger: Ledger, usecase: UseCase, month: str, run: Run) -> None:
    """Record that a training ended without a candidate, so that later months need not wait for it."""
    if ledger.last(usecase.name, "candidate", "model", partition=month) is None:
        reason = "its training broke down; the log of the run names the error"
        record_candidate(ledger, month, run, "FAILED",
                         {"model_version": None, "is_breakdown": True, "reason": reason, "metrics": {}})  # fmt: skip


def _never_brought(ledger: Ledger, usecase: UseCase, month: str) -> str | None:
    """Return why there is nothing to decide where nothing is trained, None where a version was brought."""
    if usecase.trains or ledger.last(usecase.name, "candidate", "model", partition=month):
        return None
    return f"no version was brought for {month}: {NEVER_TRAINS}"


def _effect(key: str, candidate: Entry | None) -> str:
    """Return where the decision on a training takes effect; a version that was brought late says so itself."""
    return str((candidate.payload.get("takes_effect") if candidate else None) or effect_of(key))


def _is_passed_over(candidates: Mapping[str, Entry], month: str) -> bool:
    """Return whether nobody waits for a month's candidate: a later one was brought from another environment."""
    return any(later > month and entry.payload.get("origin") for later, entry in candidates.items())


def _is_open(deployments: Deployments, effective: str, candidate: Entry | None) -> bool:
    """Return whether a decision is to be made anew, since what it rested on has changed.

    The newest one was made for want of a candidate that has come since; or another version serves than it compared.
    """
    decided = deployments.decision(effective)
    was_breakdown = decided is not None and bool(decided.payload.get("is_breakdown"))
    is_trained = candidate is not None and not candidate.payload.get("is_breakdown")
    is_mended = was_breakdown and is_trained and effective == deployments.decided[-1]
    return is_mended or deployments.is_overtaken(effective)


def _entries(ledger: Ledger, usecase: UseCase, kind: Any) -> dict[str, Entry]:
    return {entry.partition: entry for entry in ledger.entries(usecase.name, kind=kind, subject="model")}


def _said(made: Mapping[str, Payload]) -> str:
    return "; ".join(f"{key}: {item['decision']}, {item['reasons'][0]}" for key, item in made.items())


def _shown_better(recipes: Recipes, month: str, challenger: Contender | None, champion: Contender | None) -> Payload:
    """Return the searches in which the challenger's recipe was shown to be better than the champion's.

    With the columns that were declared when they chose: a recipe may take up one that the champion had left out.
    """
    if challenger is None or champion is None:
        return {}
    path = recipes.shown_better(month, challenger.model.recipe, champion.model.recipe)
    declared = path[0].payload["declared"] if path else {"numeric": (), "categorical": ()}
    offered = {**dict.fromkeys(declared["numeric"], "double"), **dict.fromkeys(declared["categorical"], "string")}
    return {"shown_by": tuple(f"{entry.partition}: {entry.payload['reason']}" for entry in path), "offered": offered}


def _facts(contender: Contender | None) -> Payload | None:
    return None if contender is None else contender.as_dict()


def _version(facts: Payload) -> Payload:
    return {name: facts[name] for name in _VERSION}
