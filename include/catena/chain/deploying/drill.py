"""Practises going back: what a rollback would bring is loaded and scores a day that it served, and nothing changes.

A rollback itself belongs in `catena.chain.deploying.redeploy`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from catena.chain.deploying.deployments import Deployments, Serves, model_of
from catena.chain.deploying.redeploy import FINAL_FAULTS
from catena.chain.deploying.versions import Version, checked, version_of
from catena.chain.training.recipes import model_of_version
from catena.chain.training.training_data import feature_columns, open_registry
from catena.declaration import UseCase
from catena.lake import Lake, VersionGone
from catena.partitions import last_day_of, shift_month, start_of
from catena.registry.trusted_types import trusted_types
from catena.run import Outcome, Run
from catena.serving.predict import InvalidScore, predict
from catena.workspace import Workspace

SUBJECT = "rollback"
# Scores of another processor may differ in their last bits.
_SAME = 1e-9


def drill_rollback(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Enter whether what serves after a month could be taken back: EQUAL, READY, DIFFERENT or REFUSED.

    EQUAL: the version before gives the scores on record of a day that it served. READY: it never served, and scores the
    last day that has features. REFUSED: it cannot be loaded, or cannot score. Once for each pair of versions.
    """
    after = f"{shift_month(month, 1)}-01"
    deployments = Deployments(workspace.ledger, usecase)
    serves = deployments.carried(after)
    if serves is None:
        return Outcome("skipped", f"nothing serves after {month}")
    if (former := deployments.before(after)) is None or former["model_version"] == serves["model_version"]:
        return Outcome("skipped", f"before {serves['model_version']} nothing served that one could go back to")
    pair = {"serves": serves["model_version"], "version": former["model_version"]}
    last = workspace.ledger.last(usecase.name, "drill", SUBJECT, partition=month)
    if last is not None and {name: last.payload[name] for name in pair} == pair:
        return Outcome("unchanged", f"practised already: {last.decision}", (month,) if run.try_number > 1 else ())
    decision, facts = _practised(workspace, usecase, deployments, former, last_day_of(month))
    workspace.ledger.append(
        run, kind="drill", subject=SUBJECT, partition=month, decision=decision, effective_at=start_of(after),
        payload={**pair, **facts},
    )  # fmt: skip
    said = f"going back from {model_of(serves)} to {former['model_version']} after {month}: {decision}"
    return Outcome("published", said, (month,), details={**pair, **facts, "decision": decision})


def _practised(
    workspace: Workspace, usecase: UseCase, deployments: Deployments, former: Serves, last: str
) -> tuple[str, dict[str, Any]]:
    """Return what came of it, and the facts: day, rows, seconds, and how far scores lie from those on record."""
    lake, began = workspace.lake(usecase), time.perf_counter()
    try:
        version = version_of(workspace, usecase, str(former["model_version"]))
        checked(workspace, usecase, version)
        day = _served_day(lake, deployments, version.key, last)
        rows, recorded = _rows(lake, usecase, day, version.key)
        scores = _scores(workspace, usecase, version, former, rows)
    except (*FINAL_FAULTS, InvalidScore) as error:
        return "REFUSED", {"reason": str(error)}
    facts: dict[str, Any] = {"day": day, "rows": len(rows), "seconds": round(time.perf_counter() - began, 2)}
    if recorded is None:
        return "READY", facts
    before = rows["entity"].map(recorded).to_numpy(dtype="float64")
    largest = float(np.nanmax(np.abs(before - scores), initial=0.0))
    facts["largest_difference"] = largest
    return ("EQUAL" if largest <= _SAME else "DIFFERENT"), facts


def _served_day(lake: Lake, deployments: Deployments, version: str, last: str) -> str | None:
    """Return the last day up to one that a version scored, None where there is none."""
    scored = [day for day in lake.partitions("predictions") if day <= last]
    for spell in reversed(deployments.spells()):
        if spell.serves["model_version"] == version:
            found = [day for day in scored if spell.first <= day <= (spell.last or last)]
            if found:
                return found[-1]
    return None


def _rows(
    lake: Lake, usecase: UseCase, day: str | None, version: str
) -> tuple[pd.DataFrame, Mapping[str, float] | None]:
    """Return the rows to score, and by entity the scores that the version gave them; None where none are on record."""
    table, columns = usecase.features.table, feature_columns(usecase)
    if day is not None:
        said = lake.read("predictions", [day]).to_pandas()
        said = said[said["model_version"] == version]
        said = said[said["revision"] == said["revision"].max()]
        if len(said):
            recorded = dict(zip(said["entity"], said["score"], strict=True))
            try:
                rows = lake.read(table, [day], columns=columns, version=int(said["features_version"].iloc[0]))
            except VersionGone:
                # The features as they were then are gone: those of today may be other ones.
                return lake.read(table, [day], columns=columns).to_pandas(), None
            found = rows.to_pandas()
            return found[found["entity"].isin(recorded)].reset_index(drop=True), recorded
    return lake.read(table, lake.partitions(table)[-1:], columns=columns).to_pandas(), None


def _scores(workspace: Workspace, usecase: UseCase, version: Version, former: Serves, rows: pd.DataFrame) -> Any:
    model = model_of_version(workspace.ledger, usecase, version.serves())
    estimator = open_registry(workspace.settings).load(version.key, version.sha256, trusted_types(model))
    return predict(estimator, rows, model, former["role"])
