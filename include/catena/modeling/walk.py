"""The days of the past on which recipes are compared, with their rows: folds within the training part. Pure.

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
from catena.modeling.folds import Fold, fold_on, walk_forward
from catena.modeling.metrics import evaluate
from catena.modeling.threads import fixed_threads
from catena.modeling.train import baseline_frame, fit_frame, scores_of
from catena.partitions import shift_day

Numbers = npt.NDArray[np.float64]
Frames = tuple[pd.DataFrame, pd.DataFrame]


@dataclass
class FoldRows:
    """A fold with its rows.

    Attributes:
        fitted: rows to fit on.
        judged: rows of the fold's days.
    """

    fold: Fold
    fitted: pd.DataFrame
    judged: pd.DataFrame
    _frames: dict[tuple[str, ...], Frames] = field(default_factory=dict, repr=False)

    @property
    def first(self) -> str:
        """First of the judged days."""
        return self.fold.days[0]

    @property
    def last(self) -> str:
        """Last of the judged days."""
        return self.fold.days[-1]

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
        span = self.fitted["partition"]
        return {**self.fold.as_dict(), "fit_from": str(span.min()), "fit_to": str(span.max())}

    def _frames_of(self, model: Model) -> Frames:
        """Return the model's columns of both parts; made once, since all trials of a family share them."""
        if model.features not in self._frames:
            self._frames[model.features] = model_frame(self.fitted, model), model_frame(self.judged, model)
        return self._frames[model.features]


@dataclass(frozen=True)
class Walk:
    """The folds of a search, in order, and the days that confirm its outcome."""

    folds: tuple[FoldRows, ...]
    confirmation: FoldRows

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
    days = rows["partition"]
    confirmed = shift_day(days.max(), 1 - search.confirmation_days)
    before = rows[(days < confirmed).to_numpy()]
    found = walk_forward(
        before, folds=search.folds, fold_days=search.fold_days, embargo_days=model.embargo_days,
        fit_days=search.fit_days, minimum_rows=model.minimum_rows,
    ) if len(before) else []  # fmt: skip
    if len(found) < search.folds:
        raise TooFewRows(
            f"the training part, {days.min()} to {days.max()}, is too short for {search.folds} folds of "
            f"{search.fold_days} days and {search.confirmation_days} days of confirmation, with {model.minimum_rows} "
            "rows before each"
        )
    last = fold_on(rows, sorted(set(days[days >= confirmed])), embargo_days=model.embargo_days)
    return Walk(tuple(_with_rows(before, fold) for fold in found), _with_rows(rows, last))


def mean_of(values: Sequence[float]) -> float:
    """Return the value of a recipe: the mean over its folds."""
    return float(np.mean(values))


def _with_rows(rows: pd.DataFrame, fold: Fold) -> FoldRows:
    fitted, judged = (rows.iloc[places].reset_index(drop=True) for places in (fold.fit, fold.judged))
    return FoldRows(fold, fitted, judged)
