"""How good scores are: ranking, sharpness and calibration of probabilities, errors of values; over all and by slice.

A metric that a set of rows does not define (ranking within one class) is None, never an exception. Which rows are
judged belongs to the caller.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics

Numbers = npt.NDArray[np.float64]
Metrics = dict[str, float | None]
HIGHER_IS_BETTER = {
    "roc_auc": True, "pr_auc": True, "brier": False, "log_loss": False, "ece": False, "mae": False, "rmse": False,
    "r2": True,
}  # fmt: skip
# Probabilities of exactly 0 or 1 would make one miss infinitely bad.
CLIP = 1e-6


class ReliabilityBin(TypedDict):
    """Predicted against realised, in one bin of the scores."""

    rows: int
    score_mean: float
    label_mean: float


def gain(metric: str, challenger: float, other: float) -> float:
    """Return by how much the challenger is better than another on a metric; negative where it is worse."""
    return challenger - other if HIGHER_IS_BETTER[metric] else other - challenger


def evaluate(label: Any, score: Any, kind: Literal["binary", "regression"]) -> Metrics:
    """Return the metrics of a kind of model."""
    return binary_metrics(label, score) if kind == "binary" else regression_metrics(label, score)


def binary_metrics(label: Any, score: Any) -> Metrics:
    """Return ROC AUC, PR AUC, Brier score, log loss and expected calibration error of probabilities."""
    y, p = np.asarray(label, dtype="float64"), np.asarray(score, dtype="float64")
    if not len(y):
        return dict.fromkeys(("roc_auc", "pr_auc", "brier", "log_loss", "ece"))
    has_both = bool(y.min() != y.max())
    return {
        "roc_auc": float(metrics.roc_auc_score(y, p)) if has_both else None,
        "pr_auc": ranking_precision(y, p),
        "brier": float(np.mean((p - y) ** 2)),
        "log_loss": float(metrics.log_loss(y, np.clip(p, CLIP, 1 - CLIP), labels=[0, 1])),
        "ece": expected_calibration_error(y, p),
    }


def ranking_precision(label: Any, score: Any) -> float | None:
    """Return PR AUC (average precision); None where all labels are the same."""
    y = np.asarray(label, dtype="float64")
    return float(metrics.average_precision_score(y, score)) if len(y) and y.min() != y.max() else None


def regression_metrics(label: Any, score: Any) -> Metrics:
    """Return mean absolute error, root mean squared error and R squared."""
    y, p = np.asarray(label, dtype="float64"), np.asarray(score, dtype="float64")
    if not len(y):
        return dict.fromkeys(("mae", "rmse", "r2"))
    spread = float(np.sum((y - y.mean()) ** 2))
    return {
        "mae": float(np.mean(np.abs(p - y))),
        "rmse": float(np.sqrt(np.mean((p - y) ** 2))),
        "r2": 1 - float(np.sum((p - y) ** 2)) / spread if spread > 0 else None,
    }


def reliability_curve(label: Any, score: Any, bins: int = 10) -> list[ReliabilityBin]:
    """Return predicted against realised means in bins of equal width in the score; empty bins are left out."""
    y, p = np.asarray(label, dtype="float64"), np.asarray(score, dtype="float64")
    places = np.clip((p * bins).astype(int), 0, bins - 1)
    curve: list[ReliabilityBin] = []
    for place in range(bins):
        inside = places == place
        if rows := int(inside.sum()):
            curve.append({"rows": rows, "score_mean": float(p[inside].mean()), "label_mean": float(y[inside].mean())})
    return curve


def expected_calibration_error(label: Any, score: Any, bins: int = 10) -> float | None:
    """Return the mean distance of predicted and realised means over the bins, weighted by rows."""
    curve = reliability_curve(label, score, bins)
    rows = sum(item["rows"] for item in curve)
    return sum(item["rows"] * abs(item["score_mean"] - item["label_mean"]) for item in curve) / rows if rows else None


def metrics_by_slice(
    rows: pd.DataFrame, score: Any, slices: tuple[str, ...], kind: Literal["binary", "regression"]
) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """Return column -> value -> metrics and `rows`.

    Args:
        rows: the column `label` and the slices.
        score: one score for each row, in the same order.
    """
    found: dict[str, dict[str, dict[str, float | int | None]]] = {}
    scores = np.asarray(score, dtype="float64")
    for column in slices:
        values = rows[column].astype("string").fillna("(none)").to_numpy()
        found[column] = {
            str(value): {
                **evaluate(rows["label"].to_numpy()[values == value], scores[values == value], kind),
                "rows": int((values == value).sum()),
            }
            for value in sorted(set(values))
        }
    return found
