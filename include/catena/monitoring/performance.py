"""How good the predictions promise to be, and proved to be once labels were known: over all rows and by declared slice.

Which rows are in the window belongs to the caller; the metric functions themselves to `catena.modeling.metrics`, the
estimate and the bounds to `catena.monitoring.estimation`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from catena.declaration import Guard
from catena.modeling.metrics import evaluate, expected_calibration_error, ranking_precision
from catena.monitoring.estimation import Bounded, estimates, proved
from catena.monitoring.measures import GUARDED, GUARDED_ESTIMATE, Measure, finite, measures

# Below this a slice's metric is noise.
MINIMUM_SLICE_ROWS = 30
MISSING = "(none)"


def performance(
    scored: pd.DataFrame, kind: Literal["binary", "regression"], window_days: int, slices: Sequence[str]
) -> list[Measure]:
    """Return realised metrics of the scored rows, over all and for each value of each slice; and the gaps.

    The gaps say by how much the scores of a binary model promised more than came true, metric by metric.

    Args:
        scored: columns `partition`, `score`, `label` (missing where the outcome is unknown or left out) and the slices.
        window_days: length of the window, recorded with each measure.
    """
    labelled = scored[scored["label"].notna()]
    coverage = len(labelled) / len(scored) if len(scored) else None
    found = measures({"label_coverage": coverage}, window_days, len(scored))
    own, gaps = proved(labelled["label"], labelled["score"], labelled["partition"], kind)
    found += measures(_besides(labelled, kind), window_days, len(labelled))
    found += _bounded("{}", own, window_days, len(labelled)) + _bounded("{}_gap", gaps, window_days, len(labelled))
    for column in slices:
        for value, part in labelled.groupby(labelled[column].astype("string").fillna(MISSING), sort=True):
            if len(part) >= MINIMUM_SLICE_ROWS:
                found += measures(of_slice(part, kind), window_days, len(part), dimension=column, value_of=str(value))
    return found


def arrivals(scored: pd.DataFrame, labelled: Collection[str], window_days: int) -> list[Measure]:
    """Return the share of predictions whose outcome has come, and how many scored days wait for their labels.

    An outcome that has come need not be a label: the declared rule leaves some out.

    Args:
        scored: columns `partition` and `known_at` (missing where no outcome is there).
        labelled: the days whose labels are final.
    """
    waiting = sum(day not in labelled for day in scored["partition"].unique())
    share = finite(scored["known_at"].notna().mean()) if len(scored) else None
    return [
        Measure("outcome_share", window_days, share, len(scored)),
        Measure("unlabelled_days", window_days, float(waiting), len(scored)),
    ]


def estimated(scored: pd.DataFrame, window_days: int) -> list[Measure]:
    """Return the metrics that the scores of a binary model promise, whether labels are known or not."""
    return _bounded("estimated_{}", estimates(scored["score"]), window_days, len(scored))


def _bounded(name: str, found: Mapping[str, Bounded], window_days: int, rows: int) -> list[Measure]:
    return [
        Measure(name.format(metric), window_days, finite(each.value), rows, low=each.low, high=each.high)
        for metric, each in found.items()
    ]


def guarded(scored: pd.DataFrame, kind: Literal["binary", "regression"], guard: Guard, version: str) -> list[Measure]:
    """Return the guard's measure of a version, on the rows of the window that it scored itself.

    Args:
        scored: columns `score`, `label` and `model_version`, of the guard's window.
    """
    own = scored[scored["model_version"] == version]
    if guard.on == "estimate":
        value = estimates(own["score"])[guard.measure].value
        return [Measure(guard.measure, guard.window_days, finite(value), len(own), GUARDED_ESTIMATE, version)]
    own = own[own["label"].notna()]
    value = realised(own, kind).get(guard.measure)
    return [Measure(guard.measure, guard.window_days, finite(value), len(own), GUARDED, version)]


def realised(labelled: pd.DataFrame, kind: Literal["binary", "regression"]) -> dict[str, float | None]:
    """Return the metrics of labelled rows; all null where there are none."""
    if labelled.empty:
        return {"label_mean": None, "score_mean": None, "calibration_gap": None}
    label, score = labelled["label"].to_numpy(dtype="float64"), labelled["score"].to_numpy(dtype="float64")
    means: dict[str, float | None] = {
        "label_mean": float(label.mean()),
        "score_mean": float(score.mean()),
        "calibration_gap": float(score.mean() - label.mean()),
    }
    return means | evaluate(label, score, kind)


def _besides(labelled: pd.DataFrame, kind: Literal["binary", "regression"]) -> dict[str, float | None]:
    """Return the metrics of labelled rows that have no interval here."""
    if labelled.empty:
        return {"label_mean": None, "score_mean": None}
    label, score = labelled["label"].to_numpy(dtype="float64"), labelled["score"].to_numpy(dtype="float64")
    means: dict[str, float | None] = {"label_mean": float(label.mean()), "score_mean": float(score.mean())}
    if kind == "binary":
        return means | {
            "pr_auc": ranking_precision(label, score), "ece": expected_calibration_error(label, score),
        }  # fmt: skip
    found = evaluate(label, score, kind)
    return means | {"rmse": found["rmse"], "r2": found["r2"]}


def of_slice(labelled: pd.DataFrame, kind: Literal["binary", "regression"]) -> dict[str, float | None]:
    """Return the few metrics that a slice is judged by, quickly: a day has dozens of slices."""
    label, score = labelled["label"].to_numpy(dtype="float64"), labelled["score"].to_numpy(dtype="float64")
    found: dict[str, float | None] = {
        "label_mean": float(label.mean()),
        "calibration_gap": float(score.mean() - label.mean()),
    }
    if kind == "regression":
        return found | {"mae": float(np.abs(score - label).mean())}
    positives = label.sum()
    pairs = positives * (len(label) - positives)
    # The rank sum of the positives counts the pairs in the right order, ties as halves.
    rank_sum = stats.rankdata(score)[label == 1].sum() - positives * (positives + 1) / 2
    brier = float(((score - label) ** 2).mean())
    return found | {"brier": brier, "roc_auc": float(rank_sum / pairs) if pairs else None}
