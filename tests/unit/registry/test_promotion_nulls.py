"""The gate against worlds whose truth is known: how often it promotes what gains nothing, and what gains enough.

A world has days with an effect of their own, heavy-tailed, as storms are. Champion and challenger read the same truth
through the same noise, and each through one of its own; each misreads whole days by a shift of its own, and is noisier
on some days than on others, so that their scores correlate and their difference varies from day to day. Equal noise is
no gain. Days and rows are those of the flights' holdout, and the standard error of the gain is theirs too: 0.007 in
ROC AUC, as the median month of 2013 has it.
"""

from __future__ import annotations

import numpy as np
import pytest

from catena.declaration import Gate
from catena.modeling.bootstrap import Interval, Resampling, gain_interval
from catena.registry.promotion import Comparison, decide

WORLDS, ROWS_A_DAY, DAYS = 200, 850, 7
BETTER_THAN_BASELINE = Interval(0.1, 0.08, 0.12, 0.01, 0.9, 28, 1, 1, 1, "given")
GATE = Gate(metric="roc_auc", refresh_margin=0.02)
# Noise of its own -> ROC AUC beyond that of the usual noise, as the mean of 200 worlds says.
USUAL, SHARPER = 0.8, 0.4
GAIN_OF_SHARPER = 0.024


def world(seed: int, days: int, noise: tuple[float, float]):
    """Return labels, the scores of challenger and champion, and days."""
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), ROWS_A_DAY)
    truth = -1.4 + 0.7 * chance.standard_t(4, days)[day] + chance.normal(size=len(day))
    label = (chance.random(len(day)) < 1 / (1 + np.exp(-truth))).astype(float)
    seen, scores = truth + 0.6 * chance.normal(size=len(day)), []
    for size in noise:
        misread, noisy = 0.1 * chance.normal(size=days), size * np.exp(0.15 * chance.normal(size=days))
        scores.append(1 / (1 + np.exp(-seen - misread[day] - noisy[day] * chance.normal(size=len(day)))))
    return label, (scores[0], scores[1]), day


def outcome(noise: tuple[float, float], *, is_refresh: bool = False) -> tuple[float, float]:
    """Return the share of worlds in which the gate promotes, and the mean gain in all of them."""
    settings = Resampling(2 * GATE.confidence - 1, 200, 1)
    gains = [gain_interval(GATE.metric, *world(seed, DAYS, noise), settings) for seed in range(WORLDS)]
    decided = [decide(GATE, Comparison(BETTER_THAN_BASELINE, gain, is_refresh=is_refresh)).decision for gain in gains]
    return decided.count("PROMOTE") / WORLDS, float(np.mean([gain.estimate for gain in gains]))


def test_without_a_gain_at_most_one_in_twenty_is_promoted():
    """200 challengers as good as the champion: luck alone promotes at most 5 % of them."""
    share, gain = outcome((USUAL, USUAL))
    assert gain == pytest.approx(0, abs=0.002)
    assert share <= 0.05


def test_a_gain_of_the_declared_size_is_promoted_in_four_of_five():
    """200 challengers that are better by 0.024 in ROC AUC: a week of flights is enough for 80 % of them."""
    share, gain = outcome((SHARPER, USUAL))
    assert gain == pytest.approx(GAIN_OF_SHARPER, abs=0.002)
    assert share >= 0.80


def test_a_refresh_that_loses_more_than_its_margin_is_rarely_promoted():
    """200 fresher models of the same recipe that lose a little more than 0.02: at most 5 % of them serve."""
    share, gain = outcome((USUAL, 0.45), is_refresh=True)
    assert -0.025 < gain < -0.02
    assert share <= 0.05


def test_a_refresh_that_gains_as_the_year_did_is_promoted_in_four_of_five():
    """200 refreshes with a gain of 0.011 in ROC AUC, near the mean month's of 2013 (0.010): at least 80 % serve."""
    share, gain = outcome((0.63, USUAL), is_refresh=True)
    assert 0.009 < gain < 0.013
    assert share >= 0.80
