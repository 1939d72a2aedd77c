"""How sure a mean label is: of a single day by its rows, of a slice over many days by whole days.

Rows of one day share what happened on it; over several days, days are the units of chance
(`catena.modeling.bootstrap`). Within a single day nothing of that can be seen: its interval holds for that day alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from catena.modeling.bootstrap import Resampling, mean_interval


def rates_by_day(rows: pa.Table, told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return each day's row with the interval of its mean label: `low` and `high`.

    Wilson's interval for a share, Student's for a mean.

    Args:
        rows: `day`, `entities`, `labelled`, `label_sum`, `label_deviation`, one row a day.
        told: `kind` and `confidence`.
    """
    confidence = float(told["confidence"])
    found = []
    for row in rows.to_pylist():
        count, total = row["labelled"], row["label_sum"]
        mean = total / count if count else None
        low = high = None
        if count and told["kind"] == "binary":
            interval = stats.binomtest(round(total), count).proportion_ci(confidence, method="wilson")
            low, high = float(interval.low), float(interval.high)
        elif mean is not None and count > 1:
            reach = float(stats.t.ppf((1 + confidence) / 2, count - 1)) * row["label_deviation"] / count**0.5
            low, high = mean - reach, mean + reach
        found.append(
            {"day": row["day"], "entities": row["entities"], "labelled": count, "label_mean": mean, "low": low,
             "high": high}
        )  # fmt: skip
    return found


def rates_by_value(rows: pa.Table, told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the mean label of each value of a column with its interval by day, the most frequent value first.

    Args:
        rows: `value`, `day`, `label_value`, one row for each labelled entity.
        told: `kind`, `confidence`, `resamples`, `seed`.
    """
    drawn = Resampling(float(told["confidence"]), int(told["resamples"]), int(told["seed"]))
    value, day = (np.asarray(rows[name].to_pylist(), dtype=object) for name in ("value", "day"))
    label = rows["label_value"].to_numpy()
    found = []
    for one in sorted(set(value)):
        is_of = value == one
        interval = mean_interval(label[is_of], day[is_of], drawn)
        low, high = interval.low, interval.high
        if told["kind"] == "binary" and low is not None and high is not None:
            # A share of a few rows has bounds that reach beyond all and none.
            low, high = max(low, 0.0), min(high, 1.0)
        found.append(
            {"value": one, "rows": interval.rows, "days": interval.days, "label_mean": interval.estimate,
             "low": low, "high": high, "reason": interval.reason}
        )  # fmt: skip
    return sorted(found, key=lambda row: (-row["rows"], row["value"]))
