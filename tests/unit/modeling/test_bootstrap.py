"""Intervals by day: equal to direct resampling, and right in how often they err."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from catena.modeling.bootstrap import (
    Resampling,
    gain_interval,
    mean_interval,
    metric_interval,
)
from catena.modeling.metrics import expected_calibration_error

SETTINGS = Resampling(confidence=0.9, resamples=2000, seed=7)
SCORED = {
    "roc_auc": metrics.roc_auc_score,
    "pr_auc": metrics.average_precision_score,
    "brier": metrics.brier_score_loss,
    "log_loss": metrics.log_loss,
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "ece": expected_calibration_error,
}


def rows(seed: int, days: int, count: int):
    """Return labels, two tied scores and the day of each row; whole days are bad."""
    chance = np.random.default_rng(seed)
    day = np.sort(chance.integers(0, days, count))
    truth = chance.normal(size=count) + chance.normal(size=days)[day] - 1
    label = (chance.random(count) < 1 / (1 + np.exp(-truth))).astype(float)
    new, old = (np.round(1 / (1 + np.exp(-truth - chance.normal(size=count))), 2).clip(0.01, 0.99) for _ in range(2))
    return label, new, old, np.char.add("2013-01-", np.char.zfill((day + 1).astype(str), 2))


def left_out(measure, label, score, day):
    return np.array([measure(label[day != each], score[day != each]) for each in np.unique(day)])


@pytest.mark.parametrize("metric", SCORED)
def test_estimate_and_standard_error_are_those_of_the_rows_themselves(metric):
    """The day statistics give what scikit-learn gives on the rows, whole and with each day left out; ties included."""
    label, new, _, day = rows(1, 6, 400)
    found = metric_interval(metric, label, new, day, SETTINGS)
    without = left_out(SCORED[metric], label, new, day)
    assert found.estimate == pytest.approx(SCORED[metric](label, new))
    assert found.standard_error == pytest.approx(np.sqrt(5 / 6 * ((without - without.mean()) ** 2).sum()))
    assert (found.days, found.rows) == (6, 400)


def test_bounds_are_those_of_direct_resampling():
    """Rows of the drawn days put together, one resample at a time, give the same bounds."""
    label, new, old, day = rows(2, 8, 400)
    places = [np.flatnonzero(day == name) for name in np.unique(day)]

    def gain(drawn):
        at = np.concatenate([places[each] for each in drawn])
        return metrics.roc_auc_score(label[at], new[at]) - metrics.roc_auc_score(label[at], old[at])

    def error(drawn):
        values = np.array([gain(np.delete(drawn, leave)) for leave in range(8)])
        return np.sqrt(7 / 8 * ((values - values.mean()) ** 2).sum())

    whole = np.arange(8)
    counts = np.random.default_rng(7).multinomial(8, np.full(8, 1 / 8), 20)
    ratios = [(gain(drawn) - gain(whole)) / error(drawn) for drawn in (np.repeat(whole, each) for each in counts)]
    student = stats.t.ppf(0.95, 7)
    low = gain(whole) - max(np.quantile(ratios, 0.95), student) * error(whole)
    high = gain(whole) + max(-np.quantile(ratios, 0.05), student) * error(whole)
    found = gain_interval("roc_auc", label, (new, old), day, replace(SETTINGS, resamples=20))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_gain_is_paired_signed_and_seeded():
    """A model against itself has no width; swapped models swap the bounds; better is positive for a loss too."""
    label, new, old, day = rows(3, 9, 900)
    same = gain_interval("roc_auc", label, (new, new), day, SETTINGS)
    assert (same.low, same.estimate, same.high) == (0, 0, 0)
    there, back = (gain_interval("brier", label, pair, day, SETTINGS) for pair in ((new, old), (old, new)))
    assert (there.low, there.high) == (pytest.approx(-back.high), pytest.approx(-back.low))
    assert gain_interval("brier", label, (label, old), day, SETTINGS).low > 0
    assert there == gain_interval("brier", label, (new, old), day, SETTINGS)
    assert there != gain_interval("brier", label, (new, old), day, replace(SETTINGS, seed=8))
    wide = metric_interval("brier", label, new, day, SETTINGS)
    assert there.half_width < wide.half_width


@pytest.mark.parametrize(
    ("label", "day", "estimate", "reason"),
    [
        ([], [], None, "0 rows do not define roc_auc"),
        ([1, 1, 1, 1], [1, 2, 3, 4], None, "4 rows do not define roc_auc"),
        ([0, 1, 0, 1], [1, 1, 2, 2], 1.0, "2 days are too few"),
        ([1, 0, 0, 0], [1, 2, 3, 4], 0.0, "hangs on a single day"),
    ],
)
def test_what_is_not_defined_is_none_with_its_reason(label, day, estimate, reason):
    """No bound is made up where rows or days do not carry one."""
    score = [0.1, 0.9, 0.2, 0.8][: len(label)]
    found = metric_interval("roc_auc", label, score, day, SETTINGS)
    assert found.estimate == estimate
    assert (found.low, found.high, found.half_width) == (None, None, None)
    assert reason in found.reason


def test_unknown_metrics_are_refused():
    """R squared is no mean over rows; nothing is returned in its stead."""
    with pytest.raises(ValueError, match="'r2' has no interval"):
        metric_interval("r2", [0, 1], [0.1, 0.9], [1, 2], SETTINGS)


def test_a_mean_has_the_interval_of_its_day_means():
    """Days 0, 1 and 2 of equal size: mean 1, standard error sqrt(1/3), and at least Student's t with 2 degrees."""
    found = mean_interval([0, 0, 1, 1, 2, 2], [1, 1, 2, 2, 3, 3], SETTINGS)
    assert found.estimate == pytest.approx(1.0)
    assert found.standard_error == pytest.approx(np.sqrt(1 / 3))
    assert found.low <= 1 - stats.t.ppf(0.95, 2) * np.sqrt(1 / 3) + 1e-12


def test_a_gain_over_several_is_the_mean_of_the_gains():
    """Of two other models, the estimate is the mean of both gains."""
    label, new, old, day = rows(3, 6, 300)
    shuffled = new[::-1]
    each = [gain_interval("brier", label, (new, other), day, SETTINGS) for other in (old, shuffled)]
    both = gain_interval("brier", label, (new, old, shuffled), day, SETTINGS)
    assert both.estimate == pytest.approx(sum(item.estimate for item in each) / 2)


def test_two_thousand_resamples_of_a_month_are_quick():
    """10,000 rows of 28 days take far less than 2 s of processor for ranking and for a loss."""
    label, new, old, day = rows(4, 28, 10_000)
    for metric in ("roc_auc", "brier"):
        before = time.process_time()
        gain_interval(metric, label, (new, old), day, SETTINGS)
        assert time.process_time() - before < 1


def test_a_bound_errs_as_rarely_as_it_says():
    """One bound of a 90 % interval misses a true gain of zero in about 5 of 100 worlds of bad days, also with seven."""
    missed = 0
    for seed in range(400):
        label, new, old, day = rows(seed, 7, 210)
        found = gain_interval("brier", label, (new, old), day, Resampling(0.9, 200, seed))
        missed += found.low > 0
    # 5 % and three standard errors of 400 draws.
    assert missed / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
