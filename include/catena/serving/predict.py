"""Scores a frame of features with a model, after checking that it is the frame that the model was fitted on."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.declaration import Model
from catena.modeling.dataset import model_frame
from catena.modeling.train import baseline_frame, scores_of


class SignatureMismatch(ValueError):
    """The columns that the declaration names are not those that the model was fitted on."""


class InvalidScore(ValueError):
    """A model gave something that is no probability, or no number."""


def predict(
    estimator: Any, rows: pd.DataFrame, model: Model, role: Literal["champion", "challenger", "baseline"]
) -> npt.NDArray[np.float64]:
    """Return one score a row.

    Args:
        estimator: as loaded from the registry.
        rows: rows of the feature table.
        model: the declaration, which says what the columns are.
        role: the baseline takes its own columns.

    Raises:
        SignatureMismatch: a column is missing, or is not what the model was fitted on.
        InvalidScore: a score is missing, infinite or no probability.
    """
    needed = model.baseline_by if role == "baseline" else model.features
    if missing := [name for name in needed if name not in rows.columns]:
        raise SignatureMismatch(f"columns {missing} are declared as features but not in the rows")
    frame = baseline_frame(rows, model) if role == "baseline" else model_frame(rows, model)
    fitted = [str(name) for name in estimator.feature_names_in_]
    if fitted != list(frame.columns):
        differing = sorted(set(fitted) ^ set(frame.columns)) or "the same ones in another order"
        raise SignatureMismatch(f"the {role} was fitted on other columns than are declared now: {differing}")
    scores = scores_of(estimator, frame, model.kind)
    if not np.isfinite(scores).all():
        raise InvalidScore(f"the {role} gave {int((~np.isfinite(scores)).sum())} scores that are no finite number")
    if model.kind == "binary" and len(scores) and not 0 <= scores.min() <= scores.max() <= 1:
        raise InvalidScore(f"the {role} gave scores from {scores.min()} to {scores.max()}, which are no probabilities")
    return scores
