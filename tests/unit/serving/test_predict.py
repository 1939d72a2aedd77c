"""Scores come only from the columns that the model was fitted on, and are what they claim to be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.declaration import Model
from catena.serving.predict import InvalidScore, SignatureMismatch, predict

MODEL = Model(factory="x:y", numeric=("a",), categorical=("b",), baseline_by=("b",), slices=())
ROWS = pd.DataFrame({"a": [1, 2], "b": ["x", None], "other": [0, 0]})


class Fixed:
    """An estimator that gives what it was told to give."""

    def __init__(self, scores, names=("a", "b")):
        self.scores = np.array(scores)
        self.feature_names_in_ = np.array(names, dtype=object)

    def predict_proba(self, frame):
        return np.column_stack([1 - self.scores, self.scores])[: len(frame)]


def test_scores_are_the_probabilities_of_the_event():
    """One score a row, in the order of the rows; none for no rows."""
    assert predict(Fixed([0.2, 0.7]), ROWS, MODEL, "champion").tolist() == [0.2, 0.7]
    assert predict(Fixed([0.2, 0.7]), ROWS.head(0), MODEL, "champion").tolist() == []


def test_a_model_is_scored_by_the_columns_that_it_takes():
    """Of the declared columns a model may take some, in an order of its own, as its recipe says."""
    assert predict(Fixed([0.2, 0.7], ("b",)), ROWS[["b"]], MODEL, "champion").tolist() == [0.2, 0.7]
    assert predict(Fixed([0.2, 0.7], ("b", "a")), ROWS, MODEL, "champion").tolist() == [0.2, 0.7]


def test_columns_that_are_not_there_are_refused():
    """A missing column, and one of which nothing is declared, are named."""
    with pytest.raises(SignatureMismatch, match="'other'"):
        predict(Fixed([0.2, 0.7], ("a", "other")), ROWS, MODEL, "champion")
    with pytest.raises(SignatureMismatch, match="'b'"):
        predict(Fixed([0.2, 0.7]), ROWS[["a"]], MODEL, "champion")
    with pytest.raises(SignatureMismatch, match="gone"):
        predict(Fixed([0.2, 0.7], ("a", "b", "gone")), ROWS, MODEL, "champion")


@pytest.mark.parametrize("scores", [[np.nan, 0.1], [0.5, 1.5], [-0.1, 0.5]])
def test_what_is_no_probability_is_refused(scores):
    """Nothing is published that is missing or outside 0 to 1."""
    with pytest.raises(InvalidScore):
        predict(Fixed(scores), ROWS, MODEL, "champion")
