"""All that is proved of one version on its own holdout, as one document: the same inputs give the same bytes. Pure.

Nothing here is a time of a clock, so that the document can be made again and compared. Where it is kept belongs in
`catena.chain.proving.proof`; how long scoring takes and how large a model is, the promotion gate measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from catena.declaration import Gate, Model, Proof
from catena.modeling.behaviour import behave
from catena.modeling.bootstrap import Resampling
from catena.modeling.dataset import TrainingSet, model_frame
from catena.modeling.explanation import contributions, permutation_importance, shares, without_sources
from catena.modeling.fairness import fairness
from catena.modeling.judged import Judged, Numbers, judged
from catena.modeling.quality import (
    gains_with_intervals,
    metrics_with_intervals,
    reliability_with_intervals,
    slices_with_intervals,
)
from catena.modeling.soundness import soundness
from catena.modeling.train import scores_of

_REFERENCES = 32
_EXPLAINED_ROWS = 30
_NAMED_COLUMNS = 8
# Of the training part, the last ones: scoring all of a year's costs more than the rest of the proof.
_CHECKED_ROWS = 20_000


@dataclass(frozen=True)
class Proven:
    """What is proved.

    Attributes:
        estimator: fitted.
        baseline: scores of the baseline on the holdout; None where there is none.
        data: the rows that it was fitted and judged on.
    """

    estimator: Any
    baseline: Numbers | None
    data: TrainingSet


def prove(proven: Proven, model: Model, gate: Gate, proof: Proof) -> dict[str, Any]:
    """Return the document of a version."""
    of = judged(proven.estimator, proven.data.holdout, model)
    resampling = Resampling(2 * gate.confidence - 1, gate.resamples, gate.seed)
    return {
        "resampling": {**asdict(resampling), "metric": gate.metric},
        "holdout": _holdout(of),
        "metrics": _as_dicts(metrics_with_intervals(of, model.kind, resampling)),
        "baseline": _baseline(proven, of, model, resampling),
        "reliability": reliability_with_intervals(of, model.kind, resampling),
        "slices": slices_with_intervals(of, model.slices, model.kind, gate.metric, resampling),
        "behaviour": [behave(test, of, resampling).as_dict() for test in proof.tests],
        "fairness": fairness(of, proof.fairness, resampling),
        "robustness": [
            found.as_dict() for found in without_sources(of, proof.sources, gate.metric, resampling)
        ],
        "importance": [
            {"column": column, "loss": loss.as_dict()}
            for column, loss in permutation_importance(of, gate.metric, resampling)
        ],
        "shares": _shares(of, _references(proven, model, gate.seed), gate.seed),
        "examples": _examples(of, _references(proven, model, gate.seed), gate.seed),
        "training": _training(proven, model),
    }  # fmt: skip


def _holdout(of: Judged) -> dict[str, Any]:
    return {
        "rows": len(of.rows),
        "days": len(set(of.day)),
        "first": str(min(of.day)),
        "last": str(max(of.day)),
        "label_mean": float(of.label.mean()),
        "score_mean": float(of.scores.mean()),
    }


def _baseline(proven: Proven, of: Judged, model: Model, resampling: Resampling) -> dict[str, Any] | None:
    if proven.baseline is None:
        return None
    scores = proven.baseline
    simple = Judged(lambda _: scores, of.frame, of.rows)
    return {
        "metrics": _as_dicts(metrics_with_intervals(simple, model.kind, resampling)),
        "gain": _as_dicts(gains_with_intervals(of, scores, model.kind, resampling)),
    }


def _references(proven: Proven, model: Model, seed: int) -> pd.DataFrame:
    """Return the rows of the training part that explanations start from."""
    return model_frame(_sampled(proven.data.train, _REFERENCES, seed), model)


def _sampled(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    chosen = np.random.default_rng(seed).choice(len(rows), min(most, len(rows)), replace=False)
    return rows.iloc[np.sort(chosen)]


def _shares(of: Judged, references: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return how much each column moves the scores of some rows of the holdout."""
    explained = _sampled(of.frame, _EXPLAINED_ROWS, seed)
    found = shares(of.score, explained, references, seed)
    return {"rows": len(explained), "columns": [asdict(item) for item in found]}


def _examples(of: Judged, references: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """Return three rows of the holdout taken apart: with the highest score, the middle one and the lowest."""
    order = np.argsort(-of.scores, kind="stable")
    found = []
    for what, place in (("highest", order[0]), ("middle", order[len(order) // 2]), ("lowest", order[-1])):
        explained = contributions(of.score, of.frame.iloc[[place]], references, seed)
        named, rest = explained.contributions[:_NAMED_COLUMNS], explained.contributions[_NAMED_COLUMNS:]
        found.append({
            "what": what, "entity": str(of.rows["entity"].iloc[place]), "day": str(of.day[place]),
            "label": float(of.label[place]), "score": explained.score, "reference": explained.reference,
            "contributions": [asdict(item) for item in named],
            "rest": float(sum(item.amount for item in rest)), "rest_columns": len(rest),
        })  # fmt: skip
    return found


def _training(proven: Proven, model: Model) -> list[dict[str, str]]:
    train = proven.data.train.tail(_CHECKED_ROWS)
    frame = model_frame(train, model)
    scores = scores_of(proven.estimator, frame, model.kind)
    return [check.as_dict() for check in soundness(proven.estimator, frame, train["label"], scores, model.kind)]


def _as_dicts(intervals: Mapping[str, Any]) -> dict[str, Any]:
    return {name: interval.as_dict() for name, interval in intervals.items()}
