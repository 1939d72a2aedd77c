"""The test of drift by whole days: its level where days differ and nothing drifts, its power where something does."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from catena.monitoring import drift_rates, feature_drift, stability_index
from catena.monitoring.drift import DayCounts, NumericReference
from catena.monitoring.measures import Measure
from catena.monitoring.permutation import DayPermutation, false_discovery_rates

DAYS, ROWS = 28, 40


def column(rng, days, shift=0.0):
    """Return values with an effect of the day that is half as large as the rows' own spread, and their days."""
    day = np.repeat(np.arange(days), ROWS)
    return rng.normal(shift, 1, days * ROWS) + rng.normal(0, 0.7, days)[day], day


def p_value(rng, shift=0.0):
    """Return the p-value of one column, and that of the test that takes rows as units of chance."""
    before, day = column(rng, DAYS)
    after, later = column(rng, DAYS, shift)
    reference = NumericReference(pd.Series(before), day)
    counted = DayCounts(pd.DataFrame({"partition": later, "x": after})).of("x", reference, 0, DAYS)
    return DayPermutation(DAYS, DAYS).p_value(reference.by_day, counted), stats.ks_2samp(before, after).pvalue


def test_by_hand_on_two_days_against_two():
    """All six ways to part four days, each with its index: the p-value is the share that drifts as far."""
    counts = np.array([[9, 1], [8, 2], [2, 8], [1, 9]])
    indices = {}
    for picked in combinations(range(4), 2):
        window = counts[list(picked)].sum(axis=0)
        indices[picked] = stability_index(counts.sum(axis=0) - window, window)
    share = np.mean([index >= indices[2, 3] - 1e-12 for index in indices.values()])
    assert share == pytest.approx(2 / 6)
    found = DayPermutation(2, 2, draws=5000).p_value(counts[:2], counts[2:])
    assert found == pytest.approx(share, abs=0.03)


def test_days_that_differ_are_no_drift_and_a_moved_mean_is():
    """Of 300 stationary windows at most 8 % are below 0.05, where rows as units call most of them a drift.

    A shift of one spread is found in nine of ten.
    """
    rng = np.random.default_rng(7)
    found = np.array([p_value(rng) for _ in range(300)])
    assert 0.02 <= (found[:, 0] <= 0.05).mean() <= 0.08
    assert (found[:, 1] <= 0.05).mean() > 0.5
    assert np.mean([p_value(rng, 1.0)[0] <= 0.05 for _ in range(40)]) >= 0.9


def test_many_columns_together_raise_no_more_than_the_declared_rate():
    """Of 150 windows of ten stationary columns at most 8 % have any column with a rate up to 0.05."""
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(150):
        p_values = {str(n): p_value(rng)[0] for n in range(10)}
        alarms += min(false_discovery_rates(p_values).values()) <= 0.05
    assert alarms / 150 <= 0.08


def test_only_what_may_alert_is_judged_together():
    """Rates are those of Benjamini and Hochberg, over watched columns and scores alone."""
    tests = {"a": 0.01, "b": 0.04, "season": 0.002}
    found = [Measure("drift_p", 28, p, 100, "feature", name) for name, p in tests.items()]
    found.append(Measure("drift_p", 28, 0.03, 100, "score", "score"))
    rates = {item.value_of: item.value for item in drift_rates(found, ("a", "b"))}
    # Sorted 0.01, 0.03, 0.04 of three: 0.03, then 0.045 and 0.04 of which the smaller counts for both.
    assert rates == pytest.approx({"a": 0.03, "score": 0.04, "b": 0.04})


def test_counts_by_day_make_the_index_of_all_rows():
    """Counting days first and adding them is counting all rows at once; windows take their days alone."""
    rng = np.random.default_rng(9)
    before, day = column(rng, 10)
    reference = NumericReference(pd.Series(before), day)
    after, later = column(rng, 6, 0.4)
    rows = pd.DataFrame({"partition": [f"2024-01-{n + 1:02d}" for n in later], "x": after})
    window = rows[rows["partition"].between("2024-01-03", "2024-01-05")]
    found = {m.name: m.value for m in feature_drift(window, {"x": reference}, DayCounts(rows), 3)}
    assert found["psi"] == pytest.approx(reference.compare(window["x"]).psi)
    assert 0 < found["drift_p"] <= 1
