"""A model that is fitted on walk-forward folds, and judged on the days after each as if it were one. Pure.

Which columns it is asked about belongs in `catena.modeling.selection`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.declaration import Model, Selection
from catena.modeling.dataset import model_frame
from catena.modeling.folds import Fold, thinned, walk_forward
from catena.modeling.judged import Judged, Numbers
from catena.modeling.train import fit_frame, scores_of


class Walked:
    """The folds of a training part.

    Args:
        train: labelled rows in order of time.
        model: its recipe; each question names its columns.
        rule: how many folds, and how many rows each is fitted on.

    Raises:
        TooFewRows: the rows do not make a fold.
    """

    def __init__(self, train: pd.DataFrame, model: Model, rule: Selection) -> None:
        self._train = train
        self._model = model
        day = train["partition"].to_numpy(dtype=np.str_)
        self.folds: list[Fold] = walk_forward(
            train, folds=rule.folds, fold_days=rule.fold_days, embargo_days=model.embargo_days,
            minimum_rows=min(model.minimum_rows, rule.rows),
        )  # fmt: skip
        self._fit = [thinned(fold.fit, day, rule.rows) for fold in self.folds]
        self.judged_rows = train.iloc[np.concatenate([fold.judged for fold in self.folds])].reset_index(drop=True)
        counts = [len(fold.judged) for fold in self.folds]
        self.fold_of: npt.NDArray[np.intp] = np.repeat(np.arange(len(counts)), counts)
        """The fold of each judged row."""

    @cached_property
    def fit_rows(self) -> list[int]:
        """Rows that each fold is fitted on."""
        return [len(places) for places in self._fit]

    @cached_property
    def last_fit(self) -> pd.DataFrame:
        """The rows that the last fold is fitted on: the most recent that a column may be described by."""
        return self._train.iloc[self._fit[-1]]

    def judged(self, columns: Iterable[str]) -> Judged:
        """Return the model of some columns, fitted on each fold, with all judged rows.

        Raises:
            ModelingError: the rows of a fold do not allow it.
        """
        model = self._model.only(columns)
        frame, label = model_frame(self._train, model), self._train["label"].to_numpy()
        estimators = [fit_frame(frame.iloc[places], label[places], model) for places in self._fit]
        ends = np.flatnonzero(np.diff(self.fold_of)) + 1

        def score(frame: pd.DataFrame) -> Numbers:
            parts = np.split(np.arange(len(frame)), ends)
            return np.concatenate([
                scores_of(estimator, frame.iloc[part], model.kind)
                for estimator, part in zip(estimators, parts, strict=True)
            ])  # fmt: skip

        return Judged(score, model_frame(self.judged_rows, model), self.judged_rows)
