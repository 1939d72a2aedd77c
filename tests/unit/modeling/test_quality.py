"""Metrics, reliability and slices with intervals: values worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.modeling.bootstrap import Resampling
from catena.modeling.judged import Judged
from catena.modeling.quality import (
    gains_with_intervals,
    metrics_with_intervals,
    reliability_with_intervals,
    slices_with_intervals,
)

SETTINGS = Resampling(confidence=0.9, resamples=200, seed=7)


def judged(scores, label, day, shop=None) -> Judged:
    scores = np.asarray(scores, dtype="float64")
    rows = pd.DataFrame({"partition": day, "label": label, "entity": "e", "shop": shop or ["A"] * len(label)})
    return Judged(lambda _: scores, pd.DataFrame({"x": scores}), rows)


# Three days of two rows in the bin of 0.2 and two in that of 0.8: of the first 1 in 6 happened, of the second 5 in 6.
DAY = ["1"] * 4 + ["2"] * 4 + ["3"] * 4
SCORES = [0.25, 0.25, 0.85, 0.85] * 3
LABEL = [0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 0]


def test_reliability_has_the_interval_of_what_happened():
    """Two bins of six rows; the share that happened is 1/6 and 5/6, each with its standard error over days."""
    low, high = reliability_with_intervals(judged(SCORES, LABEL, DAY), "binary", SETTINGS)
    assert (low["rows"], high["rows"]) == (6, 6)
    assert (low["score_mean"], high["score_mean"]) == (pytest.approx(0.25), pytest.approx(0.85))
    assert (low["label_mean"], high["label_mean"]) == (pytest.approx(1 / 6), pytest.approx(5 / 6))
    # Day means 0, 1/2, 0: their standard deviation is sqrt(1/12), by the root of three days 1/6.
    assert low["label"]["standard_error"] == pytest.approx(1 / 6)
    assert low["label"]["low"] == 0.0


def test_calibration_error_is_a_sum_over_bins():
    """|0.25 - 1/6| and |0.85 - 5/6|, each of half the rows; no bound below zero."""
    found = metrics_with_intervals(judged(SCORES, LABEL, DAY), "binary", SETTINGS)
    assert found["ece"].estimate == pytest.approx((0.25 - 1 / 6 + 0.85 - 5 / 6) / 2)
    assert found["ece"].low >= 0
    assert list(found) == ["roc_auc", "pr_auc", "brier", "log_loss", "ece"]
    assert found["roc_auc"].high <= 1


def test_regression_bins_are_tenths():
    """Twenty expected values make ten groups of two."""
    values = np.arange(20.0)
    bins = reliability_with_intervals(judged(values, values + 1, ["1", "2"] * 10), "regression", SETTINGS)
    assert [item["rows"] for item in bins] == [2] * 10
    assert (bins[0]["score_mean"], bins[0]["label_mean"]) == (0.5, 1.5)


def test_a_gain_is_positive_where_the_model_is_better():
    """Against a coin, the Brier score gains 0.25 minus the model's own."""
    of = judged(SCORES, LABEL, DAY)
    found = gains_with_intervals(of, np.full(12, 0.5), "binary", SETTINGS)
    brier = np.mean((np.array(SCORES) - np.array(LABEL)) ** 2)
    assert found["brier"].estimate == pytest.approx(0.25 - brier)


def test_slices_have_support_and_say_why_they_have_no_interval():
    """Of two shops, the one with rows of a single day is counted, and its reason given."""
    shop = ["A"] * 10 + [None] * 2
    none, a = slices_with_intervals(judged(SCORES, LABEL, DAY, shop), ("shop",), "binary", "roc_auc", SETTINGS)
    assert (a["value"], a["rows"], a["days"]) == ("A", 10, 3)
    assert 0 <= a["metric"]["low"] <= a["metric"]["high"] <= 1
    assert -1 <= a["gap"]["low"] <= a["gap"]["high"] <= 1
    assert (none["value"], none["rows"], none["days"]) == ("(none)", 2, 1)
    assert none["gap"]["estimate"] == pytest.approx(0.85 - 0.5)
    assert (none["gap"]["low"], none["metric"]["low"]) == (None, None)
    assert "1 days are too few" in none["gap"]["reason"]
