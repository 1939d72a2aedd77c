"""The declared baseline: the mean label of a group, drawn towards the mean of all where the group is small.

It is what serves before any model, and what every model must beat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from catena.declaration import Model
from catena.modeling.dataset import MISSING

# Parts the values of a group's key; cannot stand in a value that came from a text file.
_SEPARATOR = "\x1f"
Numbers = npt.NDArray[np.float64]


class GroupMean(BaseEstimator):  # type: ignore[misc] # scikit-learn ships no annotations
    """Mean label by group.

    Args:
        by: columns whose values make a group.
        prior_rows: weight of the mean of all, in rows, against a group's own.
    """

    def __init__(self, by: tuple[str, ...] = (), prior_rows: float = 20.0) -> None:
        self.by = by
        self.prior_rows = prior_rows

    def fit(self, X: pd.DataFrame, y: Any) -> GroupMean:
        """Learn the means of the groups.

        Raises:
            ValueError: there is no row.
        """
        label = np.asarray(y, dtype="float64")
        if not len(label):
            raise ValueError("a group mean needs at least one row")
        self.mean_ = float(label.mean())
        groups = pd.Series(label).groupby(self._keys(X).to_numpy(), sort=True).agg(["sum", "count"])
        means = (groups["sum"] + self.prior_rows * self.mean_) / (groups["count"] + self.prior_rows)
        self.group_keys_ = np.asarray(groups.index.to_list(), dtype=np.str_)
        self.group_means_ = means.to_numpy(dtype="float64")
        self.feature_names_in_ = np.asarray(list(X.columns), dtype=object)
        self.n_features_in_ = len(X.columns)
        return self

    def means(self, X: pd.DataFrame) -> Numbers:
        """Return each row's group mean; a group that was never seen gets the mean of all."""
        check_is_fitted(self, "group_means_")
        known = dict(zip(self.group_keys_.tolist(), self.group_means_.tolist(), strict=True))
        found: Numbers = self._keys(X).map(known).fillna(self.mean_).to_numpy(dtype="float64")
        return found

    def _keys(self, X: pd.DataFrame) -> pd.Series[str]:
        keys = pd.Series("", index=X.index, dtype=object)
        for name in self.by:
            # Numbers as floats: the same hour must be the same group, read as int64 or as float64.
            is_number = pd.api.types.is_numeric_dtype(X[name])
            column = X[name].astype("float64") if is_number else X[name].astype(object)
            keys = keys + column.map(str).where(X[name].notna(), MISSING) + _SEPARATOR
        return keys


class GroupMeanClassifier(ClassifierMixin, GroupMean):  # type: ignore[misc]
    """The base rate of a group as probability of the event."""

    def fit(self, X: pd.DataFrame, y: Any) -> GroupMeanClassifier:
        """Learn the base rates; a label of a single class is fine."""
        self.classes_ = np.array([0, 1])
        super().fit(X, y)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Numbers:
        """Return the probabilities of both classes."""
        rate = self.means(X)
        return np.column_stack([1 - rate, rate])

    def predict(self, X: pd.DataFrame) -> Any:
        """Return the likelier class."""
        return (self.means(X) > 0.5).astype(int)


class GroupMeanRegressor(RegressorMixin, GroupMean):  # type: ignore[misc]
    """The mean value of a group."""

    def predict(self, X: pd.DataFrame) -> Numbers:
        """Return the mean of each row's group."""
        return self.means(X)


def baseline_for(model: Model) -> GroupMean:
    """Return the unfitted baseline that a model's declaration names."""
    kind = GroupMeanClassifier if model.kind == "binary" else GroupMeanRegressor
    return kind(by=model.baseline_by)
