"""The promotion link: what serves after each training, decided in order and written to the ledger.

The conditions themselves belong in `catena.registry.promotion`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catena.chain.candidate import Training
from catena.chain.deployments import Deployments, model_of
from catena.chain.exclusive import exclusively
from catena.chain.gate import Contender, Gatekeeper, Role, window_quality
from catena.chain.mirror import mirror
from catena.chain.snapshots import snapshot_of
from catena.chain.train import record_candidate
from catena.chain.training_data import (
    TrainingTables,
    effect_of,
    never_trained,
    open_registry,
    training_key,
    training_keys,
)
from catena.chain.trials import planned_canary
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

    Args:
        month: training month, whose decision takes effect with the next one; or the day of a training off schedule,
            whose decision takes effect on the day after and holds until the month's.

    Returns:
        The outcome; its partitions are the months, and of trainings off schedule the days, from which on it is decided.
    """
    month = training_key(month)
    if refusal := never_trained(usecase, month):
        return Outcome("skipped", refusal)
    ledger = workspace.ledger
    with exclusively(workspace.engine, (usecase.name, "promote")):
        _record_breakdown(ledger, usecase, month, run)
        candidates = _entries(ledger, usecase, "candidate")
        deployments = Deployments(ledger, usecase)
        made: dict[str, Payload] = {}
        for each in training_keys(usecase, max(candidates), candidates):
            effective = effect_of(each)
            candidate = candidates.get(each)
            if deployments.decision(effective) is not None and not _is_open(deployments, effective, candidate):
                continue
            if candidate is None:
                break
            made[effective] = _Promotion(workspace, usecase, run, candidate, deployments).decide()
            deployments = Deployments(ledger, usecase)
        mirrored = mirror(workspace, usecase, deployments) if made else None
    if made:
        said = "; ".join(f"{key}: {item['decision']}, {item['reasons'][0]}" for key, item in made.items())
        return Outcome("published", said, tuple(made), details={"decisions": made, "alias": mirrored})
    effective = effect_of(month)
    if deployments.decision(effective) is not None:
        return Outcome("unchanged", f"{effective} is decided already", (effective,) if run.try_number > 1 else ())
    return Outcome("skipped", f"waiting for the candidates of the months before {month}")


class _Promotion:
    """One decision: a candidate against what serves when it could take effect."""

    def __init__(
        self, workspace: Workspace, usecase: UseCase, run: Run, candidate: Entry, deployments: Deployments
    ) -> None:
        self._workspace = workspace
        self._usecase = usecase
        self._run = run
        self._candidate = candidate
        self._effective = effect_of(candidate.partition)
        self._serving = deployments.incumbent(self._effective)
        self._barred = deployments.barred(days_of(self._effective)[0])
        self._registry: Registry = open_registry(workspace.settings)

    def decide(self) -> Payload:
        """Judge all on the same rows, record the decision, and return the entry's payload with the decision."""
        usecase, ledger, month = self._usecase, self._workspace.ledger, self._candidate.partition
        lake = self._workspace.lake(usecase)
        snapshot = snapshot_of(lake, ledger, usecase, self._candidate, self._run)
        training = Training(usecase, month, self._run, TrainingTables(lake, ledger, usecase), snapshot)
        keeper = Gatekeeper(usecase, self._registry, training.data.holdout)
        baseline = self._contender(keeper, self._baseline(training), "baseline")
        is_barred = self._candidate.payload.get("model_version") in self._barred
        challenger = None if is_barred else self._contender(keeper, self._candidate.payload, "challenger")
        is_model = self._serving is not None and self._serving["role"] == "champion"
        champion = self._contender(keeper, self._serving, "champion") if is_model else None
        quality = window_quality(ledger, usecase, month)
        compared = None if challenger is None else keeper.compare(challenger, champion, baseline, quality)
        failure = "the version was rolled back" if is_barred else self._candidate.payload.get("reason", "")
        found = decide(usecase.gate, compared, failure=failure)
        payload = {
            "serves": self._serves(found, _facts(challenger), _facts(baseline)),
            "challenger": _facts(challenger), "champion": _facts(champion), "baseline": _facts(baseline),
            **found.as_dict(), "gate": usecase.gate.model_dump(),
            "training_month": month, "holdout": training.holdout(), "dataset": training.dataset(),
            "incumbent": model_of(self._serving),
            "is_breakdown": bool(self._candidate.payload.get("is_breakdown")),
        }  # fmt: skip
        canary = planned_canary(usecase, self._effective) if found.decision == "PROMOTE" and self._serving else None
        payload |= {"canary": canary} if canary else {}
        ledger.append(self._run, kind="promotion", subject="model", partition=self._effective, decision=found.decision,
                      effective_at=start_of(self._effective), payload=payload)  # fmt: skip
        return payload | {"decision": found.decision}

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
        return keeper.contender({name: facts[name] for name in _VERSION}, role)

    def _serves(self, found: Decision, challenger: Payload | None, baseline: Payload | None) -> Payload | None:
        """Return what serves: the promoted challenger, else the champion, else the month's own baseline."""
        month = self._candidate.partition
        if found.decision == "PROMOTE" and challenger is not None:
            return {**_version(challenger), "role": "champion", "trained_on": month}
        if self._serving is not None and (self._serving["role"] == "champion" or baseline is None):
            return self._serving
        return None if baseline is None else {**_version(baseline), "role": "baseline", "trained_on": month}


def _record_breakdown(ledger: Ledger, usecase: UseCase, month: str, run: Run) -> None:
    """Record that a training ended without a candidate, so that later months need not wait for it."""
    if ledger.last(usecase.name, "candidate", "model", partition=month) is None:
        reason = "its training broke down; the log of the run names the error"
        record_candidate(ledger, month, run, "FAILED",
                         {"model_version": None, "is_breakdown": True, "reason": reason, "metrics": {}})  # fmt: skip


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


def _facts(contender: Contender | None) -> Payload | None:
    return None if contender is None else contender.as_dict()


def _version(facts: Payload) -> Payload:
    return {name: facts[name] for name in _VERSION}
