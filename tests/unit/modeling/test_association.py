"""How much columns say the same, against SciPy and against entropies that were worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from catena.modeling.association import association_matrix, clusters, shared_information

CHANCE = np.random.default_rng(3)


def test_numbers_are_compared_by_spearmans_rank_correlation():
    """Against SciPy's own; the direction does not matter."""
    x = CHANCE.random(200)
    frame = pd.DataFrame({"x": x, "y": -(x**3) + 0.1 * CHANCE.random(200), "z": CHANCE.random(200)})
    found = association_matrix(frame, [])
    assert found[0, 1] == pytest.approx(abs(stats.spearmanr(frame["x"], frame["y"]).statistic))
    assert found[0, 2] == pytest.approx(abs(stats.spearmanr(frame["x"], frame["z"]).statistic))
    assert (found == found.T).all()
    assert (np.diag(found) == 1).all()


def test_a_coarse_category_is_no_stand_in_for_a_fine_one():
    """Four equal kinds tell 2 bits; of them their halves tell 1, so half; another name for each tells all."""
    fine = np.tile(np.arange(4), 25)
    assert shared_information(fine, fine // 2) == pytest.approx(math.log(2) / math.log(4))
    assert shared_information(fine, (fine + 1) % 4) == pytest.approx(1.0)
    assert shared_information(fine, np.zeros(100, dtype=int)) == 0.0
    # Every kind of one beside every kind of the other, as often.
    assert shared_information(np.tile(np.arange(4), 4), np.repeat(np.arange(4), 4)) == pytest.approx(0.0, abs=1e-12)


def test_a_number_and_a_category_are_compared_by_tenths_with_missing_as_a_value():
    """Ten kinds that rise with the number are its tenths; where one is missing is the other named so."""
    x = np.arange(100.0)
    frame = pd.DataFrame({"x": x, "kind": [f"k{int(value) // 10}" for value in x]})
    assert association_matrix(frame, ["kind"])[0, 1] == pytest.approx(1.0)
    gaps = pd.DataFrame({"x": [np.nan] * 50 + [1.0] * 50, "kind": ["(none)"] * 50 + ["a"] * 50})
    assert association_matrix(gaps, ["kind"])[0, 1] == pytest.approx(1.0)


def test_in_a_cluster_each_two_columns_are_near_enough():
    """A chain in which neighbours agree and the ends do not is parted; what says nothing of others is alone."""
    a = CHANCE.random(2000)
    frame = pd.DataFrame({"a": a, "alone": CHANCE.random(2000)})
    frame["b"] = a + 0.15 * CHANCE.random(2000)
    frame["c"] = frame["b"] + 0.9 * CHANCE.random(2000)
    found = {group.columns: group.weakest for group in clusters(frame, [], 0.9)}
    assert set(found) == {("a", "b"), ("alone",), ("c",)}
    assert found["a", "b"] == pytest.approx(abs(stats.spearmanr(frame["a"], frame["b"]).statistic))
    assert clusters(frame[["a"]], [], 0.9)[0].columns == ("a",)
