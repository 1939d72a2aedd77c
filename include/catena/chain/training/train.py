"""The training link: for each month whose days are all there, a candidate and the baseline, registered and recorded.

How they are fitted belongs in `catena.modeling`; whether the candidate serves, in `catena.chain.deciding.promote`.
"""

from __future__ import annotations

import logging
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.training.candidate import Training
from catena.chain.training.recipes import Recipes, model_of_dataset
from catena.chain.training.snapshots import take_snapshot
from catena.chain.training.training_data import (
    NEVER_TRAINS,
    TrainingTables,
    cut_of,
    never_trained,
    open_registry,
    training_key,
    training_keys,
)
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.modeling.errors import ModelingError
from catena.partitions import month_of
from catena.registry.environment import environment
from catena.run import Outcome, Run
from catena.workspace import Workspace

LOG = logging.getLogger(__name__)


def train_candidate(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Train the month, and every other month whose days are all there and that was not trained yet, in order.

    Months are trained in order, so that versions are numbered in the order of time whatever the order of arrival. A
    month before which a search is due waits for its conclusion, and each takes the recipe that is in force by then.
    A training that the data does not allow ends as candidate FAILED, not as an error: promotion then holds.

    Args:
        month: the month, or a day at whose end a training off schedule is cut; that comes after the months before it.

    Returns:
        The outcome, with the months and the day that were trained in this call.
    """
    month = training_key(month)
    if refusal := never_trained(usecase, month) if usecase.trains else NEVER_TRAINS:
        return Outcome("skipped", refusal)
    with exclusively(workspace.engine, (usecase.name, "train")):
        tables = TrainingTables(workspace.lake(usecase), workspace.ledger, usecase)
        recipes = Recipes(workspace.ledger, usecase)
        before = _candidates(workspace.ledger, usecase)
        trained: dict[str, Any] = {}
        waiting = ""
        for each in training_keys(usecase, max(month, _last_month(tables, month)), [month]):
            if _is_settled(before.get(each), each, month):
                continue
            if missing := tables.missing(each):
                more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
                waiting = f"{each} waits for {', '.join(missing[:5])}{more}"
                break
            if recipes.awaits(each):
                waiting = f"{each} waits for its search"
                break
            trained[each] = _train(workspace, recipes, each, run, tables)
        if month in before and month not in trained:
            _note_correction(workspace.ledger, usecase, before[month], run, tables)
    if trained:
        said = ", ".join(f"{key}: {found['decision']}" for key, found in trained.items())
        kept = [month] if run.try_number > 1 and month in before else []
        months = tuple(sorted({*trained, *kept}))
        return Outcome("published", f"trained {said}", months, details={"candidates": trained})
    if month in before:
        return Outcome("unchanged", f"{month} is trained already", (month,) if run.try_number > 1 else ())
    return Outcome("skipped", waiting or f"{month} lies outside the calendar of the use case")


def record_candidate(ledger: Ledger, month: str, run: Run, decision: str, payload: dict[str, Any]) -> None:
    """Write the ledger's entry on a candidate; it takes effect when its month or day is over."""
    ledger.append(
        run, kind="candidate", subject="model", partition=month, decision=decision,
        effective_at=cut_of(month), payload=payload,
    )  # fmt: skip


def _train(workspace: Workspace, recipes: Recipes, month: str, run: Run, tables: TrainingTables) -> dict[str, Any]:
    usecase, search = recipes.usecase(month), recipes.adoption(month)
    registry = open_registry(workspace.settings)
    lake, ledger = workspace.lake(usecase), workspace.ledger
    snapshot = take_snapshot(lake, ledger, usecase, month, run=run, versions=tables.versions())
    training = Training(usecase, month, run, tables, snapshot)
    payload: dict[str, Any] = {
        "model_version": None, "run_id": None, "sha256": None, "holdout": training.holdout(), "metrics": {},
        "dataset": training.dataset(), "baseline": None, "reason": "", "environment": environment(),
        "recipe": usecase.model.recipe.model_dump(mode="json"), "search": search and search.partition,
        "selection": search and search.payload.get("selection"),
    }  # fmt: skip
    decision = "TRAINED"
    try:
        version, payload["metrics"]["baseline"] = training.make(registry, "baseline")
        payload["baseline"] = version.as_dict()
        version, payload["metrics"]["candidate"] = training.make(registry, "challenger")
        payload |= version.as_dict()
        payload["reason"] = f"Fitted on {len(training.data.train)} rows, judged on {len(training.data.holdout)}."
    except ModelingError as error:
        LOG.exception("the training of %s for %s is not possible", usecase.name, month)
        decision, payload["reason"] = "FAILED", f"{type(error).__name__}: {error}"
    payload["fingerprints"] = training.fingerprints
    payload["calibration"] = training.calibrations.get(payload["model_version"])
    record_candidate(ledger, month, run, decision, payload)
    return {"decision": decision, **{name: payload[name] for name in ("model_version", "metrics", "reason")}}


def _candidates(ledger: Ledger, usecase: UseCase) -> dict[str, Entry]:
    return {entry.partition: entry for entry in ledger.entries(usecase.name, kind="candidate", subject="model")}


def _is_settled(entry: Entry | None, each: str, month: str) -> bool:
    """Return whether a month needs no training: it had one, or it broke down and nobody asks for it again."""
    return entry is not None and not (each == month and entry.payload.get("is_breakdown"))


def _last_month(tables: TrainingTables, month: str) -> str:
    newest = tables.newest_day()
    return month if newest is None else month_of(newest)


def _note_correction(ledger: Ledger, usecase: UseCase, entry: Entry, run: Run, tables: TrainingTables) -> None:
    """Note that data of a trained month changed afterwards: the decision stands, as it would have.

    A candidate of another environment was trained on data of that one.
    """
    if entry.payload.get("origin"):
        return
    trained_from = entry.payload.get("dataset", {}).get("inputs")
    model = model_of_dataset(ledger, usecase, entry.payload.get("dataset"))
    now = str(tables.identity(entry.partition, model))
    if trained_from not in (None, now):
        ledger.append(
            run, kind="note", subject="model", partition=entry.partition, decision="NOT_RETRAINED",
            effective_at=entry.effective_at,
            payload={"reason": "Data of the month changed after its training; the decision stands.",
                     "trained_from": trained_from, "now": now},
        )  # fmt: skip
