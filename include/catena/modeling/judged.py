"""A model with the labelled rows on which it is judged, and how it scores them when columns are changed.

What is asked of it belongs in `catena.modeling.quality`, `behaviour` and `explanation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.declaration import Model
from catena.modeling.dataset import MISSING, model_frame
from catena.modeling.train import scores_of

Numbers = npt.NDArray[np.float64]
Score = Callable[[pd.DataFrame], Numbers]


@dataclass(frozen=True)
class Judged:
    """A model and its holdout.

    Attributes:
        score: gives one score for each row of a frame of the model's columns.
        frame: the model's columns of the holdout: numbers as float64, categories as text.
        rows: the holdout with all its columns; `label`, `partition`, `entity` and the slices.
    """

    score: Score
    frame: pd.DataFrame
    rows: pd.DataFrame

    @property
    def label(self) -> Numbers:
        """One label a row."""
        return self.rows["label"].to_numpy(dtype="float64")

    @property
    def day(self) -> npt.NDArray[np.str_]:
        """The day of each row."""
        return self.rows["partition"].to_numpy(dtype=np.str_)

    @cached_property
    def scores(self) -> Numbers:
        """Scores of the rows as they are."""
        return self.score(self.frame)

    def taken(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of those columns that the model takes; of others it knows nothing, so nothing changes."""
        return {name: value for name, value in values.items() if name in self.frame.columns}

    def scores_with(self, values: Mapping[str, Any]) -> Numbers:
        """Return the scores after setting columns to a value, or to values by row; None means missing."""
        return self.score(changed(self.frame, values))


def judged(estimator: Any, rows: pd.DataFrame, model: Model) -> Judged:
    """Return a fitted estimator with the rows on which it is judged."""
    return Judged(lambda frame: scores_of(estimator, frame, model.kind), model_frame(rows, model), rows)


def changed(frame: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return a frame with columns set to a value, or to values by row; None means missing.

    Raises:
        KeyError: the frame has no such column.
    """
    if unknown := sorted(set(values) - set(frame.columns)):
        raise KeyError(f"columns {unknown} are to be changed, but the model does not take them")
    return frame.assign(**{name: _as_column(frame[name], value) for name, value in values.items()})


def _as_column(column: pd.Series[Any], value: Any) -> Any:
    if isinstance(value, np.ndarray | pd.Series):
        return pd.Series(np.asarray(value), index=column.index, dtype=column.dtype)
    if pd.api.types.is_numeric_dtype(column):
        return np.nan if value is None else float(value)
    text = MISSING if value is None else str(value)
    return pd.Series(text, index=column.index, dtype=object)
