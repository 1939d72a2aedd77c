"""Training checks: silent on a sound fit, loud on NaN, on a fit worse than a constant, and on a solver cut short."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from catena.modeling.soundness import soundness


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(2)
    frame = pd.DataFrame(chance.normal(size=(400, 3)), columns=["a", "b", "c"])
    return frame, (frame["a"] + chance.normal(size=400) > 0).to_numpy().astype(int)


def verdicts(estimator, frame, label, score=None, kind="binary"):
    scores = estimator.predict_proba(frame)[:, 1] if score is None else score
    return {check.name: check.verdict for check in soundness(estimator, frame, label, scores, kind)}


def test_a_sound_fit_passes(rows):
    """Finite, better than a constant, and arrived: a solver by its iterations, boosted trees by their losses."""
    frame, label = rows
    linear = Pipeline([("scale", StandardScaler()), ("logistic", LogisticRegression())]).fit(frame, label)
    trees = HistGradientBoostingClassifier(max_iter=60, random_state=1).fit(frame, label)
    sound = {"finite": "passed", "learned": "passed"}
    assert verdicts(linear, frame, label) == {**sound, "converged": "passed"}
    few = HistGradientBoostingClassifier(max_iter=5, random_state=1).fit(frame, label)
    assert verdicts(few, frame, label) == {**sound, "converged": "not judged"}
    assert verdicts(trees, frame, label)["learned"] == "passed"


def test_losses_that_still_fall_are_told(rows):
    """Tiny steps have done a tenth of their falling in each tenth of the steps: not arrived."""
    frame, label = rows
    slow = HistGradientBoostingClassifier(max_iter=40, learning_rate=0.001, random_state=1).fit(frame, label)
    (found,) = [item for item in soundness(slow, frame, label, slow.predict_proba(frame)[:, 1], "binary")
                if item.name == "converged"]  # fmt: skip
    assert found.verdict == "failed"
    assert "40 steps" in found.said


def test_a_solver_cut_short_is_told(rows):
    """One iteration of one is no arrival."""
    frame, label = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cut = LogisticRegression(max_iter=1).fit(frame, label)
    assert verdicts(cut, frame, label)["converged"] == "failed"


def test_scores_that_are_no_numbers_or_no_better_than_a_constant_are_told(rows):
    """NaN is counted, and then nothing else is said of the loss; scores turned round are worse than the mean."""
    frame, label = rows
    linear = LogisticRegression().fit(frame, label)
    broken = linear.predict_proba(frame)[:, 1].copy()
    broken[3] = np.nan
    found = verdicts(linear, frame, label, broken)
    assert (found["finite"], found["learned"]) == ("failed", "not judged")
    assert verdicts(linear, frame, label, linear.predict_proba(frame)[:, 0])["learned"] == "failed"


def test_a_closed_form_is_not_judged_by_iterations(rows):
    """Ridge regression solves at once; its mean squared error of a line is 0, that of a constant 0.25."""
    frame = pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0]})
    ridge = Ridge(alpha=0.0).fit(frame, [0.0, 1.0, 0.0, 1.0])
    found = {
        check.name: check for check in soundness(ridge, frame, [0.0, 1.0, 0.0, 1.0], ridge.predict(frame), "regression")
    }
    assert found["converged"].verdict == "not judged"
    assert "is 0.0000, against 0.2500" in found["learned"].said
