"""Scores rows of features with a model, by the columns that it was fitted on, whatever is declared now."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.declaration import Model
from catena.modeling.dataset import model_frame
from catena.modeling.train import baseline_frame, scores_of


class SignatureMismatch(ValueError):
    """A model was fitted on columns that the rows do not have."""


class InvalidScore(ValueError):
    """A model gave something that is no probability, or no number."""


def predict(
    estimator: Any, rows: pd.DataFrame, model: Model, role: Literal["champion", "challenger", "baseline"]
) -> npt.NDArray[np.float64]:
    """Return one score a row.

    Args:
        estimator: as loaded from the registry.
        rows: rows of the feature table.
        model: the declaration by which it was built: it says which columns are numbers and which are categories.
        role: the baseline takes its own columns.

    Raises:
        SignatureMismatch: the model was fitted on a column that is not there, or of which nothing is declared.
        InvalidScore: a score is missing, infinite or no probability.
    """
    frame = _frame(estimator, rows, model, role)
    scores = scores_of(estimator, frame, model.kind)
    if not np.isfinite(scores).all():
        raise InvalidScore(f"the {role} gave {int((~np.isfinite(scores)).sum())} scores that are no finite number")
    if model.kind == "binary" and len(scores) and not 0 <= scores.min() <= scores.max() <= 1:
        raise InvalidScore(f"the {role} gave scores from {scores.min()} to {scores.max()}, which are no probabilities")
    return scores


def columns_taken(estimator: Any) -> tuple[str, ...]:
    """Return the columns that a fitted estimator takes, in its order."""
    return tuple(str(name) for name in estimator.feature_names_in_)


def _frame(estimator: Any, rows: pd.DataFrame, model: Model, role: str) -> pd.DataFrame:
    taken = columns_taken(estimator)
    if missing := [name for name in taken if name not in rows.columns]:
        raise SignatureMismatch(f"the {role} was fitted on the columns {missing}, which are not in the rows")
    if role == "baseline":
        return baseline_frame(rows, model.model_copy(update={"baseline_by": taken}))
    if unknown := [name for name in taken if name not in model.features]:
        raise SignatureMismatch(
            f"the {role} was fitted on the columns {unknown}, of which its declaration does not say whether they are "
            "numbers or categories"
        )
    its = {part: tuple(name for name in taken if name in getattr(model, part)) for part in ("numeric", "categorical")}
    return model_frame(rows, model.model_copy(update=its))[list(taken)]
