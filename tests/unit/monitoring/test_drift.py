"""Drift: known values, laws, and the reference that stands for a training window."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from catena.monitoring import reference_days, stability_index
from catena.monitoring.drift import CategoricalReference, NumericReference
from catena.partitions import days, parse_day

COUNTS = st.lists(st.integers(0, 500), min_size=3, max_size=3)


def test_index_of_a_worked_example():
    """Half and half against three quarters and one quarter: 0.25 ln 1.5 + 0.25 ln 2 = 0.2747."""
    found = stability_index(np.array([50_000, 50_000]), np.array([75_000, 25_000]))
    assert found == pytest.approx(0.25 * math.log(1.5) + 0.25 * math.log(2), abs=1e-4)


@given(COUNTS, COUNTS)
def test_index_is_symmetric_and_never_negative(before, after):
    """Exchanging reference and window changes nothing; the index of counts with rows is at least zero."""
    one, other = np.array(before), np.array(after)
    if one.sum() and other.sum():
        assert stability_index(one, other) >= -1e-12
        assert stability_index(one, other) == pytest.approx(stability_index(other, one), abs=1e-9)


def test_the_same_values_do_not_drift_and_others_do():
    """A column against itself has index and distance zero; moved by its own width both are large."""
    values = pd.Series(np.random.default_rng(1).normal(size=3000))
    reference = NumericReference(values)
    assert (reference.compare(values).psi, reference.compare(values).effect) == (pytest.approx(0), 0)
    moved = reference.compare(values + 1)
    assert moved.psi > 0.25
    # Two normal distributions one standard deviation apart: 2 * Phi(0.5) - 1 = 0.383.
    assert moved.effect == pytest.approx(0.383, abs=0.03)


@given(st.lists(st.integers(-5, 5), min_size=5), st.lists(st.integers(-5, 5), min_size=5))
def test_distance_is_that_of_the_known_test(before, after):
    """The effect is the two-sample statistic as SciPy computes it, ties included."""
    found = NumericReference(pd.Series(before, dtype="float64")).compare(pd.Series(after, dtype="float64"))
    assert found.effect == pytest.approx(stats.ks_2samp(before, after, method="asymp").statistic)


def test_missing_values_are_drift_too():
    """A column that goes missing is another population, though its known values are the same."""
    values = pd.Series(np.arange(2000, dtype="float64"))
    holes = values.where(values.index % 2 == 0)
    assert NumericReference(values).compare(holes).psi > 0.25


def test_a_column_of_one_value_or_none_is_survived():
    """A constant does not drift against itself; a column without values gives an index and no distance."""
    constant = pd.Series([3.0] * 100)
    assert NumericReference(constant).compare(constant).psi == pytest.approx(0)
    empty = pd.Series([np.nan] * 100)
    assert math.isnan(NumericReference(empty).compare(empty).effect)


def test_a_category_that_was_never_seen_is_drift():
    """A new value fills a bucket that was empty."""
    before, after = pd.Series(["a", "b"] * 200), pd.Series(["a", "c"] * 200)
    reference = CategoricalReference(before)
    assert reference.compare(before).psi == pytest.approx(0)
    assert reference.compare(after).psi > 1
    assert 0 < reference.compare(after).effect <= 1


@given(st.integers(1, 400))
def test_the_reference_holds_every_weekday_equally(length):
    """From 28 days on the sample is whole weeks within the window; below, it is the window."""
    window = days("2013-01-01", f"{pd.Timestamp('2013-01-01') + pd.Timedelta(days=length - 1):%Y-%m-%d}")
    sample = reference_days(window[0], window[-1])
    assert set(sample) <= set(window)
    if length <= 28:
        assert sample == window
    elif length >= 35:
        counts = [sum(parse_day(day).weekday() == weekday for day in sample) for weekday in range(7)]
        assert max(counts) - min(counts) <= 2
        assert sample[0] == window[0]
        assert sample[-1] == window[-1]
