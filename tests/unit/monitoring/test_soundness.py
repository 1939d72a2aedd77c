"""Skew between serving and training, and the soundness of scores: counts by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.monitoring import score_jump, skew, stability


def test_skew_by_hand():
    """Of four entities one differs in `x`, one is alone: missing equals missing, a last digit is no difference."""
    served = pd.DataFrame({"entity": list("abc"), "x": [1.0, np.nan, 0.1 + 0.2], "s": ["u", None, "v"]})
    now = pd.DataFrame({"entity": list("abcd"), "x": [2.0, np.nan, 0.3, 5.0], "s": ["u", None, "v", "w"]})
    found = {measure.value_of: (measure.value, measure.rows) for measure in skew(served, now, ("x", "s"))}
    assert found == {"": (0.5, 4), "x": (0.5, 4), "s": (0.25, 4)}
    assert [measure.value for measure in skew(now, now, ("x", "s"))] == [0.0]


def test_scores_that_are_none_are_counted():
    """One of four is no number and one no probability; of eight inputs two are missing."""
    scored = pd.DataFrame({"score": [0.1, np.nan, 1.5, 0.9], "x": [1, np.nan, 2, 3], "s": ["a", "b", None, "c"]})
    found = {measure.name: measure.value for measure in stability(scored, ("x", "s"), "binary")}
    assert found == {"unsound_score_share": 0.5, "missing_input_share": 0.25}
    assert stability(scored, ("x", "s"), "regression")[0].value == 0.25


def test_a_jump_counts_between_the_same_version_on_the_same_inputs():
    """Another version, or other inputs, may move a score; the same ones may not."""
    rows = pd.DataFrame({
        "entity": ["a"] * 4, "revision": [1, 2, 3, 4], "score": [0.5, 0.5, 0.9, 0.2],
        "model_version": ["1", "1", "2", "2"], "inputs": [0, 0, 0, 1],
    })  # fmt: skip
    (found,) = score_jump(rows)
    assert (found.value, found.rows) == (0.0, 1)
    (found,) = score_jump(rows.assign(inputs=0))
    assert (found.value, found.rows) == (pytest.approx(0.7), 2)
