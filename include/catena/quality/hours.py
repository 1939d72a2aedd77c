"""Rules on the hours of a stream, judged by Great Expectations.

What follows from an unusual hour belongs in `catena.chain.streaming.hours`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from catena.declaration import HourlyVolume
from catena.quality.expectations import outside


@dataclass(frozen=True)
class Hour:
    """How many records an hour has, and how many were to be expected.

    Attributes:
        ratio: of the two; NaN where too few are expected to say anything.
        is_usual: whether the ratio lies within the limits; true where there is none.
    """

    begin: datetime
    records: int
    expected: float
    ratio: float
    is_usual: bool = True


def judge_each(rule: HourlyVolume, counts: Mapping[datetime, int], hours: Sequence[datetime]) -> list[Hour]:
    """Return how hours fare by a rule.

    Args:
        rule: declared.
        counts: records of each hour that has any, the trailing days included.
        hours: beginnings of the hours to judge.
    """
    expected = [_expected(rule, counts, hour) for hour in hours]
    ratios = np.array(
        [
            counts.get(hour, 0) / mean if mean >= rule.least_expected else np.nan
            for hour, mean in zip(hours, expected, strict=True)
        ]
    )
    (unusual,) = outside([ratios], [(rule.minimum_ratio, rule.maximum_ratio)])
    return [
        Hour(hour, counts.get(hour, 0), mean, float(ratio), position not in unusual)
        for position, (hour, mean, ratio) in enumerate(zip(hours, expected, ratios, strict=True))
    ]


def _expected(rule: HourlyVolume, counts: Mapping[datetime, int], hour: datetime) -> float:
    """Return the mean of the same hour of the days before that have records in it, 0 where none has."""
    before = [counts.get(hour - timedelta(days=back), 0) for back in range(1, rule.trailing_days + 1)]
    return float(np.mean(there)) if (there := [count for count in before if count]) else 0.0
