"""What is kept of a search: its entry in the ledger, its trials in MLflow, and the proof that it can be made again.

Carrying it out belongs in `catena.chain.training.search`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catena.chain.training.recipes import Recipes
from catena.chain.training.snapshots import Snapshot, open_snapshot
from catena.chain.training.training_data import cut_of
from catena.declaration import Model, Recipe, Search, UseCase
from catena.governance import Entry
from catena.lake import identity_of
from catena.modeling.search import Findings, Trial, search_family
from catena.modeling.winner import Conclusion, Searched, conclude
from catena.registry.environment import environment
from catena.registry.searches import SearchLog, TrialRun
from catena.run import Run
from catena.workspace import Workspace

SUBJECT = "model"
Payload = dict[str, Any]


@dataclass(frozen=True)
class Concluded:
    """A search that was carried out.

    Attributes:
        model: the declaration with the columns that the families used.
        selection: names the selection that chose these; None where none is declared.
    """

    conclusion: Conclusion
    findings: Sequence[Findings]
    snapshot: Snapshot
    model: Model
    search: Search
    selection: dict[str, Any] | None = None


def record_search(workspace: Workspace, usecase: UseCase, month: str, run: Run, made: Concluded) -> Payload:
    """Log the trials to MLflow, write the ledger's entry, and return its payload with the decision."""
    metric, conclusion = usecase.gate.metric, made.conclusion
    payload = {
        **conclusion.as_dict(), "metric": metric, "declared": usecase.model.recipe.model_dump(mode="json"),
        "search": made.search.model_dump(mode="json"), "snapshot": made.snapshot.name,
        "selection": made.selection,
        "columns": {name: list(getattr(made.model, name)) for name in ("numeric", "categorical")},
        "families": {each.family: _family(each, metric) for each in made.findings},
        "trials": [_trial(trial) for each in made.findings for trial in each.trials],
        "cpu_seconds": round(sum(each.cpu_seconds for each in made.findings), 1),
        "environment": environment(), "is_breakdown": False,
    }  # fmt: skip
    payload["run_id"] = _log(workspace, month, run, payload, made.findings)
    return _append(workspace, month, run, conclusion.decision, payload)


def record_failure(
    workspace: Workspace, usecase: UseCase, month: str, run: Run, reason: str, *, is_breakdown: bool = False
) -> Payload:
    """Write that a search gave nothing: the recipe in force stays."""
    before = Recipes(workspace.ledger, usecase).model(month).recipe.model_dump(mode="json")
    payload = {
        "recipe": before, "before": before, "declared": usecase.model.recipe.model_dump(mode="json"),
        "reason": reason, "is_breakdown": is_breakdown, "families": {}, "trials": [],
    }  # fmt: skip
    return _append(workspace, month, run, "FAILED", payload)


def repeat_search(
    workspace: Workspace, usecase: UseCase, entry: Entry, progress: Callable[[Trial], None] = lambda _: None
) -> list[str]:
    """Make a search again from its record, with as many trials as it had time for; return what differs.

    Raises:
        ArchiveDamaged: its snapshot is gone or changed.
    """
    said = entry.payload
    search = Search.model_validate(said["search"])
    snapshot = open_snapshot(workspace.lake(usecase), workspace.ledger, usecase, said["snapshot"])
    columns = {name: tuple(names) for name, names in said["columns"].items()}
    declared = snapshot.record.model.built_by(Recipe.model_validate(said["declared"])).model_copy(update=columns)
    in_force = declared.built_by(Recipe.model_validate(said["before"]))
    rows, metric = snapshot.data.train, said["metric"]
    findings = [
        search_family(
            rows, declared, search, name, metric,
            in_force=in_force.recipe, trials=int(family["done"]), progress=progress,
        )
        for name, family in said["families"].items()
    ]  # fmt: skip
    again = conclude(Searched(rows, declared, in_force, search, usecase.gate), findings)
    before = {(trial["family"], trial["number"]): trial for trial in said["trials"]}
    differing = [
        f"{trial.family} {trial.number}: {before.get((trial.family, trial.number))} -> {_trial(trial)}"
        for each in findings
        for trial in each.trials
        if before.get((trial.family, trial.number)) != _trial(trial)
    ]
    now = {"decision": again.decision, **again.as_dict()}
    then = {"decision": entry.decision, **said}
    compared = ("decision", "recipe", "values", "confirmed")
    return differing + [f"{name}: {then[name]} -> {now[name]}" for name in compared if then[name] != now[name]]


def _append(workspace: Workspace, month: str, run: Run, decision: str, payload: Payload) -> Payload:
    workspace.ledger.append(
        run, kind="search", subject=SUBJECT, partition=month, decision=decision, effective_at=cut_of(month),
        payload=payload,
    )  # fmt: skip
    return {**payload, "decision": decision}


def _family(found: Findings, metric: str) -> Payload:
    best = found.best(metric)
    states = [trial.state for trial in found.trials]
    return {
        "asked": found.asked, "done": len(found.trials), "pruned": states.count("pruned"),
        "failed": states.count("failed"), "is_cut_short": found.is_cut_short, "cpu_seconds": found.cpu_seconds,
        "best": None if best is None else best.value, "params": None if best is None else best.params,
    }  # fmt: skip


def _trial(trial: Trial) -> Payload:
    told = {"reason": trial.reason} if trial.reason else {}
    return {
        "family": trial.family, "number": trial.number, "state": trial.state, "value": trial.value,
        "params": trial.params, **told,
    }  # fmt: skip


def _log(workspace: Workspace, month: str, run: Run, payload: Payload, findings: Sequence[Findings]) -> str:
    settings = workspace.settings
    trials = [
        TrialRun(f"{trial.family} {trial.number}", trial.state, trial.params, trial.value, trial.by_fold,
                 {"family": trial.family, "usecase": run.usecase, "month": month})
        for each in findings
        for trial in each.trials
    ]  # fmt: skip
    tags = {
        "usecase": run.usecase, "month": month, "role": "search", "snapshot": str(payload["snapshot"]),
        "code_version": run.code_version, "reason": str(payload["reason"]),
    }  # fmt: skip
    key = str(identity_of([run.usecase, month, payload["snapshot"], payload["trials"], run.code_version]))
    log = SearchLog(settings.mlflow_uri, settings.home / "mlflow-artifacts")
    name = f"{run.usecase} search {month}"
    return log.keep(trials, experiment=run.usecase, name=name, key=key, metric=str(payload["metric"]), tags=tags)
