"""The days of the past on which recipes are compared: walk-forward folds within the training part. Pure.

The folds lie one after the other; behind them, as the last days of the training part, lie the days by which the best of
all trials is confirmed. The holdout is never handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.declaration import Model, Search
from catena.modeling.baseline import baseline_for
from catena.modeling.dataset import model_frame, require_rows
from catena.modeling.errors import ModelingError, TooFewRows
from catena.modeling.metrics import evaluate
from catena.modeling.threads import fixed_threads
from catena.modeling.train import baseline_frame, fit_frame, scores_of
from catena.partitions import shift_day

Numbers = npt.NDArray[np.float64]
Frames = tuple[pd.DataFrame, pd.DataFrame]


@dataclass
class Fold:
    """Days that are scored by a model of the days before them.

    Attributes:
        fitted: rows before the fold, outside the embargo, whose labels were known at its first decision.
        judged: rows of the fold.
    """

    first: str
    last: str
    fitted: pd.DataFrame
    judged: pd.DataFrame
    _frames: dict[tuple[str, ...], Frames] = field(default_factory=dict, repr=False)

    def scores(self, model: Model) -> Numbers:
        """Return the scores of the fold's rows by a model of the rows before it.

        Raises:
            ModelingError: it cannot be fitted.
        """
        fitted, judged = self._frames_of(model)
        estimator = fit_frame(fitted, self.fitted["label"].to_numpy(), model)
        return scores_of(estimator, judged, model.kind)

    def baseline_scores(self, model: Model) -> Numbers:
        """Return the scores of the fold's rows by the baseline of the rows before it."""
        baseline = baseline_for(model).fit(baseline_frame(self.fitted, model), self.fitted["label"].to_numpy())
        with fixed_threads():
            return scores_of(baseline, baseline_frame(self.judged, model), model.kind)

    def value(self, scores: Numbers, metric: str, kind: Literal["binary", "regression"]) -> float:
        """Return a metric of scores of the fold's rows.

        Raises:
            ModelingError: the rows do not define it.
        """
        value = evaluate(self.judged["label"], scores, kind).get(metric)
        if value is None:
            raise ModelingError(f"the fold {self.first} to {self.last} does not define {metric}")
        return value

    def as_dict(self) -> dict[str, Any]:
        """Return what a record keeps of the fold."""
        return {
            "first": self.first, "last": self.last, "fitted_rows": len(self.fitted), "judged_rows": len(self.judged),
            "fitted_from": str(self.fitted["partition"].min()), "fitted_to": str(self.fitted["partition"].max()),
        }  # fmt: skip

    def _frames_of(self, model: Model) -> Frames:
        """Return the model's columns of both parts; made once, since all trials of a family share them."""
        if model.features not in self._frames:
            self._frames[model.features] = model_frame(self.fitted, model), model_frame(self.judged, model)
        return self._frames[model.features]


@dataclass(frozen=True)
class Walk:
    """The folds of a search, in order, and the days that confirm its outcome."""

    folds: tuple[Fold, ...]
    confirmation: Fold

    def value(self, scores: Sequence[Numbers], metric: str, kind: Literal["binary", "regression"]) -> float:
        """Return a metric of scores of the folds' rows: the mean over the folds.

        Raises:
            ModelingError: the rows of a fold do not define it.
        """
        return mean_of([fold.value(each, metric, kind) for fold, each in zip(self.folds, scores, strict=True)])


def walk_of(rows: pd.DataFrame, model: Model, search: Search) -> Walk:
    """Return the folds of a training part.

    Args:
        rows: the training part alone.
        model: says how many rows are needed, and which days before a fold are left out.

    Raises:
        TooFewRows: the training part is too short.
    """
    require_rows(rows, 1, "the training part")
    days = rows["partition"].to_numpy()
    confirmed = shift_day(days.max(), 1 - search.confirmation_days)
    first = shift_day(confirmed, -search.folds * search.fold_days)
    if first <= days.min():
        raise TooFewRows(
            f"the training part, {days.min()} to {days.max()}, is too short for {search.folds} folds of "
            f"{search.fold_days} days and {search.confirmation_days} days of confirmation"
        )
    starts = [shift_day(first, at * search.fold_days) for at in range(search.folds)]
    folds = tuple(
        _fold(rows, (start, shift_day(start, search.fold_days - 1)), model, search.fit_days) for start in starts
    )
    return Walk(folds, _fold(rows, (confirmed, str(days.max())), model, None))


def mean_of(values: Sequence[float]) -> float:
    """Return the value of a recipe: the mean over its folds."""
    return float(np.mean(values))


def _fold(rows: pd.DataFrame, days: tuple[str, str], model: Model, fit_days: int | None) -> Fold:
    first, last = days
    judged = rows[(rows["partition"] >= first) & (rows["partition"] <= last)]
    end = shift_day(first, -model.embargo_days)
    require_rows(judged, 1, f"the fold {first} to {last}")
    is_fitted = (rows["partition"] < end) & (rows["label_known_at"] <= judged["decision_at"].min())
    if fit_days is not None:
        is_fitted &= rows["partition"] >= shift_day(end, -fit_days)
    fitted = rows[is_fitted]
    require_rows(fitted, model.minimum_rows, f"the days before the fold {first} to {last}")
    return Fold(first, last, fitted.reset_index(drop=True), judged.reset_index(drop=True))
