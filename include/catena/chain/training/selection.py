"""Selects the features of a month: measured once for a snapshot and a declaration, with a ledger entry and a page.

How features are selected belongs in `catena.modeling.selection`, what the page says in `catena.reports.selection`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.featuring.feature_costs import feature_costs
from catena.chain.pages import write_index, write_page
from catena.chain.training.snapshots import Snapshot, take_snapshot
from catena.chain.training.training_data import TrainingTables, cut_of, training_months
from catena.declaration import Selection, UseCase
from catena.governance import Entry, Ledger
from catena.lake import identity_of
from catena.modeling.errors import ModelingError
from catena.modeling.selection import select_features
from catena.reports.selection import selection_page
from catena.run import Outcome, Run
from catena.workspace import Workspace

LOG = logging.getLogger(__name__)
SUBJECT = "features"


@dataclass(frozen=True)
class Selected:
    """The features that a model of a month is to take.

    Attributes:
        numeric: kept columns that are numbers, in declared order.
        categorical: kept categories, likewise.
        entry: the ledger's entry; None where the use case declares no selection, so that all columns are kept.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    entry: Entry | None

    def as_dict(self) -> dict[str, Any] | None:
        """Return what names the selection, for the record of what is built on it; None where there is none."""
        if self.entry is None:
            return None
        payload = self.entry.payload
        return {"month": self.entry.partition, "inputs": payload["inputs"], "decision": self.entry.decision}


def selected_features(workspace: Workspace, usecase: UseCase, snapshot: Snapshot, run: Run) -> Selected:
    """Return the features that were selected on a snapshot; selected now where they were not yet by this declaration.

    Training data on which nothing can be judged keep all columns, which the entry says.
    """
    model, rule = usecase.model, usecase.selection
    if rule is None:
        return Selected(model.numeric, model.categorical, None)
    inputs = _inputs(usecase, rule, snapshot)
    with exclusively(workspace.engine, (usecase.name, "selection")):
        month = snapshot.record.month
        entry = _standing(workspace.ledger, usecase, month, inputs)
        if entry is None:
            decision, payload = _measured(workspace, usecase, rule, snapshot)
            path = selection_path(workspace, usecase, month).relative_to(workspace.settings.pages)
            payload |= {
                "inputs": inputs, "snapshot": snapshot.name, "rule": rule.model_dump(mode="json"),
                "path": str(path) if payload["features"] else "", "headline": payload["reason"],
            }  # fmt: skip
            workspace.ledger.append(
                run, kind="selection", subject=SUBJECT, partition=month, decision=decision,
                effective_at=cut_of(month), payload=payload,
            )  # fmt: skip
            entry = _standing(workspace.ledger, usecase, month, inputs)
            assert entry is not None
    _publish(workspace, usecase, entry)
    kept = set(entry.payload["kept"])
    its = model.only(name for name in model.features if name in kept)
    return Selected(its.numeric, its.categorical, entry)


def select_month(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Select the features of a month on the training set that its tables give now.

    Waits until the days up to its end are there.
    """
    if usecase.selection is None:
        return Outcome("skipped", f"use case {usecase.name} declares no selection of features")
    if month not in training_months(usecase, month):
        return Outcome("skipped", f"{month} lies outside the calendar of the use case")
    lake, ledger = workspace.lake(usecase), workspace.ledger
    tables = TrainingTables(lake, ledger, usecase)
    if missing := tables.missing(month):
        return Outcome("skipped", f"{month} waits for {', '.join(missing[:5])}")
    snapshot = take_snapshot(lake, ledger, usecase, month, run=run, versions=tables.versions())
    entry = selected_features(workspace, usecase, snapshot, run).entry
    assert entry is not None
    details = {
        "decision": entry.decision, "kept": entry.payload["kept"], "dropped": entry.payload["dropped"],
        "features": entry.payload["features"], "snapshot": snapshot.name,
        "path": str(selection_path(workspace, usecase, month)),
    }  # fmt: skip
    return Outcome("published", str(entry.payload["reason"]), (month,), details=details)


def selection_of(ledger: Ledger, usecase: UseCase, named: dict[str, Any] | None) -> Entry | None:
    """Return the entry that `Selected.as_dict` named, None where none was."""
    return None if not named else _standing(ledger, usecase, str(named["month"]), str(named["inputs"]))


def selection_path(workspace: Workspace, usecase: UseCase, month: str) -> Path:
    """Return where the page of a month's selection is kept."""
    return workspace.pages(usecase, "selections") / f"{month}.html"


def _measured(
    workspace: Workspace, usecase: UseCase, rule: Selection, snapshot: Snapshot
) -> tuple[str, dict[str, Any]]:
    """Return the decision and what was measured."""
    model, data = usecase.model, snapshot.data
    try:
        if data.train.empty:
            raise ModelingError("the training part has no rows")
        costs = feature_costs(workspace.lake(usecase), usecase, rule, data.train)
        found = select_features(data, model, rule, costs)
    except ModelingError as error:
        LOG.exception("the features of %s cannot be selected on %s", usecase.name, snapshot.name)
        return "KEPT_ALL", {
            "kept": list(model.features), "dropped": [], "features": [],
            "reason": f"All {len(model.features)} columns are kept, since nothing could be judged: {error}.",
        }  # fmt: skip
    return found.decision, found.as_dict()


def _publish(workspace: Workspace, usecase: UseCase, entry: Entry) -> None:
    """Write the page of a selection, and the index where it is new."""
    path = selection_path(workspace, usecase, entry.partition)
    if entry.payload["features"]:
        is_new = not path.exists()
        write_page(path, selection_page(usecase, entry.partition, entry.decision, entry.payload))
        if is_new:
            write_index(workspace)


def _inputs(usecase: UseCase, rule: Selection, snapshot: Snapshot) -> str:
    """Return the identity of what a selection rests on, besides the code and the costs, which are measured."""
    declared = [rule.model_dump(mode="json"), usecase.model.model_dump(mode="json"), usecase.proof.sources]
    return str(identity_of([snapshot.name, declared]))


def _standing(ledger: Ledger, usecase: UseCase, month: str, inputs: str) -> Entry | None:
    entries = ledger.entries(usecase.name, kind="selection", subject=SUBJECT, partition=month)
    return next((entry for entry in entries if entry.payload["inputs"] == inputs), None)
