"""The estimate from scores alone against enumeration of all labels, and its chance against simulated labels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from catena.monitoring.estimation import estimates, proved

SCORES = (0.2, 0.5, 0.9)


def worlds(scores):
    """Yield every way in which the labels may fall, with its probability."""
    for labels in product((0, 1), repeat=len(scores)):
        yield labels, np.prod([p if y else 1 - p for y, p in zip(labels, scores, strict=True)])


@pytest.mark.parametrize("scores", [SCORES, (0.3, 0.3, 0.8, 0.1)])
def test_the_estimate_is_the_expectation_over_all_labels(scores):
    """Brier and log loss are their means over all worlds; the area is expected right pairs over expected pairs."""
    found = estimates(scores)
    clash = {"brier": 0.0, "log_loss": 0.0, "right": 0.0, "pairs": 0.0}
    for labels, chance in worlds(scores):
        clash["brier"] += chance * brier_score_loss(labels, scores)
        clash["log_loss"] += chance * log_loss(labels, scores, labels=[0, 1])
        pairs = [
            (a > b) + 0.5 * (a == b)
            for a, is_late in zip(scores, labels, strict=True) if is_late
            for b, is_other in zip(scores, labels, strict=True) if not is_other
        ]  # fmt: skip
        clash["right"] += chance * sum(pairs)
        clash["pairs"] += chance * len(pairs)
    assert found["brier"].value == pytest.approx(clash["brier"])
    assert found["log_loss"].value == pytest.approx(clash["log_loss"])
    assert found["roc_auc"].value == pytest.approx(clash["right"] / clash["pairs"])


def test_three_rows_by_hand():
    """Pairs weigh p of one times 1 - p of the other: 1.74 in all, of which 1.57 stand in the right order."""
    # Right: .5*.8 + .9*.8 + .9*.5 = 1.57; wrong: .2*.5 + .2*.1 + .5*.1 = 0.17.
    found = estimates(SCORES)
    assert found["roc_auc"].value == pytest.approx(1.57 / 1.74)
    assert found["brier"].value == pytest.approx((0.16 + 0.25 + 0.09) / 3)


def test_with_labels_as_weights_the_area_is_the_usual_one():
    """Realised metrics are those of scikit-learn, ties included; the gap is the estimate minus them."""
    rng = np.random.default_rng(5)
    p = np.round(rng.random(400), 2)
    y, day = (rng.random(400) < p).astype(float), np.repeat(np.arange(8), 50)
    (found, apart), promised = proved(y, p, day), estimates(p)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(y, p))
    assert found["brier"].value == pytest.approx(brier_score_loss(y, p))
    for name, gap in apart.items():
        assert gap.value == pytest.approx(promised[name].value - found[name].value)
        assert gap.low < gap.value < gap.high


@pytest.mark.parametrize("metric", ["roc_auc", "brier", "log_loss"])
def test_the_bounds_of_an_estimate_hold_what_such_labels_give(metric):
    """Of labels drawn from the scores, 95 % give a metric within the bounds of the estimate (300 draws: 92 to 98 %)."""
    rng = np.random.default_rng(11)
    p = rng.beta(1.2, 4, 300)
    bound = estimates(p)[metric]
    function = {"roc_auc": roc_auc_score, "brier": brier_score_loss, "log_loss": log_loss}[metric]
    drawn = [function((rng.random(300) < p).astype(int), p) for _ in range(300)]
    assert 0.92 <= np.mean([bound.low <= value <= bound.high for value in drawn]) <= 0.985


def simulated(rng, days=28, rows=60, spread=0.6, shift=0.0):
    """Return labels, scores and days: each day has an effect of its own on the logit, which the scores do not know."""
    day = np.repeat(np.arange(days), rows)
    known = rng.normal(-1.2, 1.0, days * rows)
    effect = rng.normal(0, spread, days)[day]
    # The score is the mean over the effects: that of a logistic normal, by the usual approximation.
    p = 1 / (1 + np.exp(-known / np.sqrt(1 + np.pi * spread**2 / 8)))
    y = (rng.random(len(p)) < 1 / (1 + np.exp(-(known + effect + shift)))).astype(float)
    return y, p, day


def test_the_gap_is_quiet_where_only_days_differ_and_loud_where_the_world_changed():
    """With effects of days but no drift at most 8 % of 300 gaps leave out zero; with a shift of 0.8 nearly all do.

    Bounds from rows alone would cry in every second window: the effects of days are no drift.
    """
    rng = np.random.default_rng(19)
    nulls = [proved(*simulated(rng))[1]["brier"] for _ in range(300)]
    alarms = np.mean([gap.low > 0 or gap.high < 0 for gap in nulls])
    assert alarms <= 0.08
    moved = [proved(*simulated(rng, shift=0.8))[1]["brier"] for _ in range(60)]
    assert np.mean([gap.high < 0 for gap in moved]) >= 0.8


def test_what_is_not_defined_is_said_so():
    """No rows: nothing; scores that allow no pair: no ranking; two days: a gap without bounds."""
    assert {each.value for each in estimates([]).values()} == {None}
    assert estimates([1.0, 1.0])["roc_auc"].value is None
    assert estimates([1.0, 1.0])["brier"].value == 0.0
    two = proved([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.2], ["a", "a", "b", "b"])[1]["brier"]
    assert (two.value is None, two.low, two.high) == (False, None, None)
