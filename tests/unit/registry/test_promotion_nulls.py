"""The gate against worlds whose truth is known: how often it promotes what gains nothing, and what gains enough.

A world has days with an effect of their own, heavy-tailed, as storms are. Champion and challenger read the same truth
with noise; each misreads whole days by a shift of its own, and is noisier on some days than on others, so that their
scores correlate and their difference varies from day to day. Equal noise is no gain.
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
# Noise of the better model; the other has 1: their ROC AUC differ by GAIN, as 500,000 rows of this world say.
SHARPER, GAIN = 0.80, 0.0


def world(seed: int, days: int, noise: tuple[float, float]):
    """Return labels, the scores of challenger and champion, and days."""
    chance = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), ROWS_A_DAY)
    truth = -1.4 + 0.7 * chance.standard_t(4, days)[day] + chance.normal(size=len(day))
    label = (chance.random(len(day)) < 1 / (1 + np.exp(-truth))).astype(float)
    scores = []
    for size in noise:
        misread, noisy = 0.2 * chance.normal(size=days), size * np.exp(0.2 * chance.normal(size=days))
        scores.append(1 / (1 + np.exp(-truth - misread[day] - noisy[day] * chance.normal(size=len(day)))))
    return label, (scores[0], scores[1]), day


def promoted(days: int, noise: tuple[float, float], *, is_refresh: bool = False) -> float:
    """Return the share of worlds in which the gate promotes."""
    settings = Resampling(2 * GATE.confidence - 1, 200, 1)
    found = 0
    for seed in range(WORLDS):
        gain = gain_interval(GATE.metric, *world(seed, days, noise), settings)
        found += decide(GATE, Comparison(BETTER_THAN_BASELINE, gain, is_refresh=is_refresh)).decision == "PROMOTE"
    return found / WORLDS
