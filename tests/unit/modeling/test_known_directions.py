"""The trees of the flights are held to what the proof asks of every version."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.declaration import Direction
from catena.modeling.train import pipeline_for
from usecases.flight_delays.families import LOWERING, RAISING
from usecases.flight_delays.model import MODEL
from usecases.flight_delays.proof import PROOF

DIRECTIONS = [test for test in PROOF.tests if isinstance(test, Direction)]


def test_each_direction_of_the_proof_is_a_constraint():
    """A column that the proof asks in one direction is held to that one, and is a column of the model."""
    assert {test.column for test in DIRECTIONS if test.expected == "not_lower"} <= set(RAISING)
    assert {test.column for test in DIRECTIONS if test.expected == "not_higher"} <= set(LOWERING)
    assert set(RAISING) | set(LOWERING) <= set(MODEL.numeric)
    assert not set(RAISING) & set(LOWERING)


@pytest.mark.parametrize("columns", [MODEL.numeric, MODEL.numeric[::2]], ids=["all", "selected"])
def test_labels_that_say_the_opposite_turn_no_tree(columns):
    """Late exactly where backlog is small and sight far: still no score falls with the one or rises with the other."""
    chance = np.random.default_rng(0)
    model = MODEL.only({*columns, *MODEL.categorical, "origin_backlog_3h_count", *LOWERING})
    frame = pd.DataFrame({name: chance.random(3000) for name in model.numeric})
    for name in model.categorical:
        frame[name] = pd.Series(chance.choice(["a", "b"], 3000), dtype=object)
    frame = frame[list(model.features)]
    late = (frame["origin_backlog_3h_count"] - frame["visibility_miles"] + 0.2 * chance.normal(size=3000) < 0).astype(
        int
    )
    fitted = pipeline_for(model).fit(frame, late)
    score = fitted.predict_proba(frame)[:, 1]
    for name in ("origin_backlog_3h_count", "visibility_miles"):
        moved = fitted.predict_proba(frame.assign(**{name: frame[name] + 0.3}))[:, 1]
        sign = 1 if name in RAISING else -1
        assert (sign * (moved - score) >= -1e-12).all()
