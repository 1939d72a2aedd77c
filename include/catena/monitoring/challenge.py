"""How a version that is tried beside what serves compares with it, on the same labelled rows, day by day as one draw.

Which versions are compared, and what follows from it, belongs in the links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from catena.declaration import Gate, Serving
from catena.modeling.bootstrap import Interval, Resampling, gain_interval
from catena.monitoring.measures import Measure, finite

Verdict = Literal["BETTER", "WORSE", "NOT SHOWN", "NOT JUDGED"]
# The measures of the `health` table; their dimension is the kind of the trial.
GAIN, GAIN_LOW, GAIN_HIGH = "gain", "gain_low", "gain_high"


@dataclass(frozen=True)
class Pair:
    """The version that is tried, and the one that it is compared with."""

    challenger: str
    champion: str


def challenger_gain(scored: pd.DataFrame, pair: Pair, gate: Gate, serving: Serving) -> Interval:
    """Return the gain of the challenger over the champion in the gate's metric, paired.

    Args:
        scored: columns `label`, `score` and `model_version` of what served, `shadow_score` and `shadow_version` of the
            other, and `partition`; rows that the two of the pair did not both score are left out.
    """
    serves, beside = scored["model_version"], scored["shadow_version"]
    tries = (serves == pair.challenger) & (beside == pair.champion)
    rests = (serves == pair.champion) & (beside == pair.challenger)
    both = scored[(tries | rests) & scored["label"].notna()]
    on_canary = (both["model_version"] == pair.challenger).to_numpy()
    score, shadow = both["score"].to_numpy("float64"), both["shadow_score"].to_numpy("float64")
    scores = np.where(on_canary, score, shadow), np.where(on_canary, shadow, score)
    resampling = Resampling(2 * gate.confidence - 1, serving.resamples, gate.seed)
    return gain_interval(gate.metric, both["label"].to_numpy("float64"), scores, both["partition"], resampling)


def gain_measures(gain: Interval, window_days: int, kind: str, version: str) -> list[Measure]:
    """Return a gain and its bounds as measures of the version that is tried."""
    found = {GAIN: gain.estimate, GAIN_LOW: gain.low, GAIN_HIGH: gain.high}
    return [Measure(name, window_days, finite(value), gain.rows, kind, version) for name, value in found.items()]


def verdict_of(gain: Interval, margin: float) -> Verdict:
    """Return what an interval shows: a gain, a loss beyond the margin, neither, or nothing for want of bounds."""
    if gain.low is None or gain.high is None:
        return "NOT JUDGED"
    if is_breach(gain.high, margin):
        return "WORSE"
    return "BETTER" if gain.low > 0 else "NOT SHOWN"


def is_breach(high: float, margin: float) -> bool:
    """Return whether an upper bound shows a loss beyond the margin."""
    return high < -margin
