"""The state of an estimator is its identity: equal for equal models, in memory or from a file, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from catena.modeling.baseline import GroupMeanClassifier
from catena.modeling.state import parameters_digest, scores_digest, state_differences, state_of
from catena.modeling.threads import fixed_threads
from catena.modeling.train import pipeline_for
from usecases.flight_delays.model import MODEL

CHANCE = np.random.default_rng(0)
FRAME = pd.DataFrame({name: CHANCE.random(1000) for name in MODEL.numeric})
for _name in MODEL.categorical:
    FRAME[_name] = pd.Series(CHANCE.choice(["a", "b", "(none)"], 1000), dtype=object)
FRAME = FRAME[list(MODEL.features)]
LABEL = CHANCE.integers(0, 2, 1000)
NUMBERS = FRAME[list(MODEL.numeric)]


def from_file(estimator):
    content = skops.io.dumps(estimator)
    return skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))


@pytest.mark.parametrize(
    ("make", "frame"),
    [
        (lambda: pipeline_for(MODEL), FRAME),
        (lambda: RandomForestClassifier(3, max_depth=3, random_state=0), NUMBERS),
        (lambda: CalibratedClassifierCV(LogisticRegression(max_iter=300), cv=2), NUMBERS),
        (lambda: GroupMeanClassifier(by=("carrier",)), FRAME),
    ],
)
def test_a_model_from_its_file_and_one_fitted_again_are_the_same(make, frame):
    """Neither a file nor a second fit changes a path or a value; files themselves differ."""
    one, again = make().fit(frame, LABEL), make().fit(frame, LABEL)
    state = state_of(one)
    assert state_differences(state, state_of(from_file(one))) == []
    assert state_differences(state, state_of(again)) == []
    other = make().fit(frame, 1 - LABEL)
    assert parameters_digest(state) != parameters_digest(state_of(other))


def test_threads_do_not_change_trees_and_scores():
    """Boosted trees and scores are the same bit for bit with one thread and with two; the number itself is kept."""
    states, scores = [], []
    for threads in (1, 2):
        with fixed_threads(threads):
            trees = pipeline_for(MODEL).fit(FRAME, LABEL)
            states.append(state_of(trees))
            scores.append(scores_digest(trees.predict_proba(FRAME)[:, 1]))
    assert scores[0] == scores[1]
    assert state_differences(*states) == ["steps[1][1]._bin_mapper.n_threads: 1 -> 2"]


def test_what_differs_is_told_by_name():
    """A coefficient's array is named by path, a setting with both values, one bit of a score is another digest."""
    one, other = LogisticRegression().fit(NUMBERS, LABEL), LogisticRegression(C=2.0).fit(NUMBERS, LABEL)
    said = state_differences(state_of(one), state_of(other))
    assert "C: 1.0 -> 2.0" in said
    assert any(line.startswith("coef_: float64(1, ") for line in said)
    scores = one.predict_proba(NUMBERS)[:, 1]
    assert scores_digest(scores) != scores_digest(np.nextafter(scores, 1))
    assert state_of({"a": [np.array([1, None], dtype=object), {3, 1}]}) == {
        "": "mapping of 1", "['a']": "list of 2", "['a'][0]": "objects(2,)", "['a'][0][0]": "1", "['a'][0][1]": "None",
        "['a'][1]": "set ['1', '3']",
    }  # fmt: skip
