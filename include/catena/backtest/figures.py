"""What a policy or a peer came to: metrics of each month by its labels, and what was decided.

What is shown of it belongs in `catena.reports.backtest`.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from catena.backtest.ground import Ground
from catena.backtest.life import Cost
from catena.backtest.plan import Policy
from catena.chain.deploying.deployments import Deployments
from catena.chain.scoring.score import current_revision
from catena.declaration import UseCase
from catena.modeling.dataset import labelled_rows
from catena.modeling.metrics import Metrics, evaluate
from catena.partitions import days, last_day_of, month_of, months
from catena.workspace import Workspace

_END = datetime(9999, 1, 1, tzinfo=UTC)


def judged_months(usecase: UseCase) -> list[str]:
    """Return the months that can be scored by a model that was trained before them."""
    first, last = month_of(usecase.calendar.first), month_of(str(usecase.calendar.last))
    return [month for month in months(first, last) if month != first]


def labelled_month(workspace: Workspace, usecase: UseCase, month: str) -> pd.DataFrame:
    """Return the rows of a month with the labels that came of them in the end."""
    model, lake = usecase.model, workspace.lake(usecase)
    span = days(f"{month}-01", min(last_day_of(month), str(usecase.calendar.last)))
    columns = dict.fromkeys(("partition", "entity", "decision_at", *model.features, *model.baseline_by))
    features = lake.read(usecase.features.table, span, columns=list(columns))
    found = labelled_rows(features, lake.read(usecase.label.table, span), usecase.label, _END)
    return pd.DataFrame(found.to_pandas())


def served_month(ground: Ground, usecase: UseCase, labelled: pd.DataFrame) -> dict[str, Any]:
    """Return the metrics of what served in a month, on the rows that were scored and have a label."""
    days_there = sorted(set(labelled["partition"]))
    rows = ground.lake(usecase).read("predictions", days_there)
    parts = [current_revision(rows.filter(pa.compute.equal(rows["partition"], day))) for day in days_there]
    scores = pa.concat_tables([rows.slice(0, 0), *parts]).select(["partition", "entity", "score"]).to_pandas()
    joined = labelled[["partition", "entity", "label"]].merge(scores, on=["partition", "entity"])
    return measured(usecase, joined["label"], joined["score"])


def measured(usecase: UseCase, label: Any, score: Any) -> dict[str, Any]:
    """Return metrics and the number of rows that they rest on."""
    found: Metrics = evaluate(label, score, usecase.model.kind)
    return {"rows": len(label), **found}


def policy_figures(
    ground: Ground, usecase: UseCase, policy: Policy, labelled: dict[str, pd.DataFrame], cost: Cost
) -> dict[str, Any]:
    """Return what a policy came to."""
    by_month = {month: served_month(ground, usecase, rows) for month, rows in labelled.items()}
    deployments = Deployments(ground.ledger, usecase)
    decisions = [entry for key in deployments.decided if (entry := deployments.decision(key)) is not None]
    candidates = ground.ledger.entries(usecase.name, kind="candidate", subject="model")
    trained = [entry.partition for entry in candidates if entry.decision != "SKIPPED"]
    return {
        "name": policy.name, "says": policy.says, "declared": policy.model_dump(), "months": by_month,
        "summary": summary(by_month),
        "trainings": trained,
        "decisions": {entry.partition: entry.decision for entry in decisions
                      if str(entry.payload["training_month"]) in trained},
        "rollbacks": [entry.partition for entry in deployments.rollbacks()],
        "served": [
            {"version": spell.serves["model_version"], "trained_on": spell.serves["trained_on"],
             "first": spell.first, "last": spell.last}
            for spell in deployments.spells()
        ],
        "cpu": {"trainings": cost.trainings, "links": dict(cost.links)},
    }  # fmt: skip


def summary(by_month: dict[str, dict[str, Any]]) -> dict[str, float | None]:
    """Return the mean of each metric over the months, and the median of the calibration error."""
    names = dict.fromkeys(name for found in by_month.values() for name in found if name != "rows")
    told: dict[str, float | None] = {}
    for name in names:
        values = [found[name] for found in by_month.values() if found[name] is not None]
        told[f"{name}_mean"] = statistics.fmean(values) if values else None
        told[f"{name}_median"] = statistics.median(values) if values else None
    return told
