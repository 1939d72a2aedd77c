"""Measures how models age: every version that was trained before a month is scored on the month's days, once.

What is made of the scores belongs in `catena.modeling.staleness`, the page in `catena.reports.staleness`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from catena.chain.exclusive import exclusively
from catena.chain.pages import write_index, write_page
from catena.chain.training.recipes import model_of_dataset
from catena.chain.training.training_data import TrainingTables, cut_of, open_registry, training_months
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.modeling.bootstrap import Resampling
from catena.modeling.dataset import labelled_rows
from catena.modeling.staleness import DayScore, scored_days, staleness_curve
from catena.modeling.threads import fixed_threads
from catena.partitions import days_of_month, last_day_of, shift_month
from catena.registry.trusted_types import trusted_types
from catena.reports.staleness import headline_of_staleness, staleness_page
from catena.run import Outcome, Run
from catena.serving.predict import predict
from catena.workspace import Workspace

SUBJECT = "model"


def measure_staleness(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Measure a month, and each month before it that was not measured yet, in order; what was measured stands.

    Waits until every day up to the end of a month is there. A month before which no version was trained says nothing.
    """
    lake, ledger = workspace.lake(usecase), workspace.ledger
    with exclusively(workspace.engine, (usecase.name, "staleness")):
        tables = TrainingTables(lake, ledger, usecase)
        before = {entry.partition: entry for entry in _entries(ledger, usecase)}
        made, waiting = [], ""
        for each in training_months(usecase, month):
            versions = _versions(ledger, usecase, each)
            if each in before or not versions:
                continue
            if not _is_trained(ledger, usecase, shift_month(each, -1)):
                waiting = f"{each} waits for the training of {shift_month(each, -1)}"
                break
            if missing := tables.missing(each):
                waiting = f"{each} waits for {', '.join(missing[:5])}"
                break
            _measure(workspace, usecase, each, versions, run)
            made.append(each)
        if made:
            _publish(workspace, usecase)
    if made:
        last = _entries(ledger, usecase)[-1]
        path = str(staleness_path(workspace, usecase))
        return Outcome("published", str(last.payload["headline"]), tuple(made),
                       details={"path": path, "curve": last.payload["curve"]})  # fmt: skip
    if waiting and month not in before:
        return Outcome("skipped", waiting)
    said = f"the age of models is measured up to {max(before)}" if before else "no version is older than a month"
    return Outcome("unchanged" if before else "skipped", said)


def staleness_path(workspace: Workspace, usecase: UseCase) -> Path:
    """Return where the page on the age of models is kept; it is written anew with each month."""
    return workspace.pages(usecase, "staleness") / "index.html"


def last_staleness(ledger: Ledger, usecase: UseCase) -> Entry | None:
    """Return the entry of the last month that was measured, None where there is none."""
    found = _entries(ledger, usecase)
    return found[-1] if found else None


def _measure(workspace: Workspace, usecase: UseCase, month: str, versions: list[Entry], run: Run) -> None:
    metric, kind = usecase.gate.metric, usecase.model.kind
    rows, registry = _rows(workspace, usecase, month), open_registry(workspace.settings)
    scored: list[DayScore] = []
    for entry in versions:
        key, cut = str(entry.payload["model_version"]), last_day_of(entry.partition)
        later = rows[rows["partition"] > cut]
        model = model_of_dataset(workspace.ledger, usecase, entry.payload.get("dataset"))
        estimator = registry.load(key, str(entry.payload["sha256"]), trusted_types(model))
        with fixed_threads():
            scores = predict(estimator, later, model, "challenger")
        scored += scored_days(key, cut, later, scores, metric=metric, kind=kind)
    gate = usecase.gate
    resampling = Resampling(2 * gate.confidence - 1, gate.resamples, gate.seed)
    curve = staleness_curve([*_scored_before(workspace.ledger, usecase), *scored], metric, resampling)
    payload = {
        "metric": metric, "curve": curve, "headline": headline_of_staleness(metric, curve),
        "path": str(staleness_path(workspace, usecase).relative_to(workspace.settings.pages)),
        "versions": {each.version: each.cut for each in scored},
        "scored": [[each.version, each.day, each.value, each.rows] for each in scored],
    }  # fmt: skip
    workspace.ledger.append(
        run, kind="staleness", subject=SUBJECT, partition=month, decision="MEASURED", effective_at=cut_of(month),
        payload=payload,
    )  # fmt: skip


def _rows(workspace: Workspace, usecase: UseCase, month: str) -> pd.DataFrame:
    """Return the labelled rows of a month whose labels were known at its end."""
    lake = workspace.lake(usecase)
    days = [day for day in days_of_month(month) if usecase.calendar.holds(day)]
    features, outcomes = lake.read(usecase.features.table, days), lake.read(usecase.label.table, days)
    # When features were known is no question here, and outcomes have a column of that name.
    features = features.drop_columns([name for name in ("known_at",) if name in features.column_names])
    return pd.DataFrame(labelled_rows(features, outcomes, usecase.label, cut_of(month)).to_pandas())


def _versions(ledger: Ledger, usecase: UseCase, month: str) -> list[Entry]:
    """Return the entries of the versions that could not learn from the end of a month."""
    trained = ledger.entries(usecase.name, kind="candidate", subject="model")
    return [
        entry for entry in trained
        if entry.payload.get("model_version") and last_day_of(entry.partition) < last_day_of(month)
    ]  # fmt: skip


def _is_trained(ledger: Ledger, usecase: UseCase, month: str) -> bool:
    """Return whether a month's training has ended, whatever came of it: its version is not to be missed."""
    return ledger.last(usecase.name, "candidate", "model", partition=month) is not None


def _entries(ledger: Ledger, usecase: UseCase) -> list[Entry]:
    return ledger.entries(usecase.name, kind="staleness", subject=SUBJECT)


def _scored_before(ledger: Ledger, usecase: UseCase) -> list[DayScore]:
    """Return what the entries keep of earlier months."""
    return [
        DayScore(version, entry.payload["versions"][version], day, value, rows)
        for entry in _entries(ledger, usecase)
        for version, day, value, rows in entry.payload["scored"]
    ]


def _publish(workspace: Workspace, usecase: UseCase) -> None:
    entry = _entries(workspace.ledger, usecase)[-1]
    shown: dict[str, Any] = {name: entry.payload[name] for name in ("metric", "curve", "headline", "versions")}
    write_page(staleness_path(workspace, usecase), staleness_page(usecase, entry.partition, shown))
    write_index(workspace)
