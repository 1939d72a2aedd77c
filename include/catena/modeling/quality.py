"""How good scores are and how sure that is: metrics, calibration and slices, each with its interval by days. Pure.

What a metric is belongs in `catena.modeling.metrics`, how an interval is made in `catena.modeling.bootstrap`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from catena.modeling.bootstrap import Interval, Resampling, gain_interval, mean_interval, metric_interval, within
from catena.modeling.dataset import MISSING
from catena.modeling.judged import Judged, Numbers

Kind = Literal["binary", "regression"]
METRICS: dict[Kind, tuple[str, ...]] = {
    "binary": ("roc_auc", "pr_auc", "brier", "log_loss", "ece"),
    "regression": ("mae", "rmse"),
}
_AT_MOST_ONE = {"roc_auc", "pr_auc", "brier", "ece"}
_BINS = 10


def metrics_with_intervals(judged: Judged, kind: Kind, resampling: Resampling) -> dict[str, Interval]:
    """Return the interval of each metric of a kind of model."""
    return {
        name: possible(name, metric_interval(name, judged.label, judged.scores, judged.day, resampling))
        for name in METRICS[kind]
    }


def gains_with_intervals(judged: Judged, other: Numbers, kind: Kind, resampling: Resampling) -> dict[str, Interval]:
    """Return the paired gain over other scores of the same rows, metric by metric."""
    return {
        name: gain_interval(name, judged.label, (judged.scores, other), judged.day, resampling)
        for name in METRICS[kind]
    }


def reliability_with_intervals(judged: Judged, kind: Kind, resampling: Resampling) -> list[dict[str, Any]]:
    """Return predicted against realised means, with the interval of the realised one.

    Bins have equal width in a probability; an expected value has no natural bins, so that its own tenths are taken.
    """
    scores, label, day = judged.scores, judged.label, judged.day
    places = np.clip((scores * _BINS).astype(int), 0, _BINS - 1) if kind == "binary" else _tenths(scores)
    bins = []
    for place in range(_BINS):
        inside = places == place
        if inside.any():
            realised = mean_interval(label[inside], day[inside], resampling)
            if kind == "binary":
                realised = within(realised, 0.0, 1.0)
            bins.append(
                {
                    "rows": int(inside.sum()),
                    "score_mean": float(scores[inside].mean()),
                    "label_mean": realised.estimate,
                    "label": realised.as_dict(),
                }
            )
    return bins


def slices_with_intervals(
    judged: Judged, slices: tuple[str, ...], kind: Kind, metric: str, resampling: Resampling
) -> list[dict[str, Any]]:
    """Return each slice with its support, a metric and the difference of predicted and realised mean, with intervals.

    A slice that does not carry an interval says why, in the interval's `reason`.
    """
    found = []
    for column in slices:
        values = judged.rows[column].astype("string").fillna(MISSING).to_numpy()
        for value in sorted(set(values)):
            inside = np.asarray(values == value)
            label, scores, day = judged.label[inside], judged.scores[inside], judged.day[inside]
            reached = possible(metric, metric_interval(metric, label, scores, day, resampling))
            gap = mean_interval(scores - label, day, resampling)
            found.append(
                {
                    "column": column,
                    "value": str(value),
                    "rows": int(inside.sum()),
                    "days": len(set(day)),
                    "label_mean": float(label.mean()),
                    "score_mean": float(scores.mean()),
                    "metric": reached.as_dict(),
                    "gap": (within(gap, -1.0, 1.0) if kind == "binary" else gap).as_dict(),
                }
            )
    return found


def possible(name: str, interval: Interval) -> Interval:
    """Return the interval of a metric, with bounds that the metric can reach."""
    return within(interval, 0.0, 1.0 if name in _AT_MOST_ONE else None)


def _tenths(scores: Numbers) -> Any:
    order = np.argsort(scores, kind="stable")
    places = np.empty(len(scores), dtype=int)
    places[order] = np.arange(len(scores)) * _BINS // max(1, len(scores))
    return places
