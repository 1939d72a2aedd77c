"""How a model's quality falls with its age: day by day beside the newest model of that day, by weeks of age. Pure.

Months differ in how hard they are to foresee, and an old model is seen in later months than a young one. So what counts
is the loss on the same day to the newest model that there then was; the metric itself is told besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from catena.modeling.bootstrap import Resampling, mean_interval
from catena.modeling.metrics import HIGHER_IS_BETTER, evaluate
from catena.modeling.quality import possible
from catena.partitions import parse_day


@dataclass(frozen=True)
class DayScore:
    """The metric of a version on one day.

    Attributes:
        cut: the last day that the version could learn from.
    """

    version: str
    cut: str
    day: str
    value: float
    rows: int

    @property
    def age_days(self) -> int:
        """Days from the cut to the day."""
        return (parse_day(self.day) - parse_day(self.cut)).days


def scored_days(
    version: str, cut: str, rows: pd.DataFrame, scores: Any, *, metric: str, kind: Literal["binary", "regression"]
) -> list[DayScore]:
    """Return the metric of a version on each day of labelled rows; days that do not define it are left out."""
    values, day = np.asarray(scores, dtype="float64"), rows["partition"].to_numpy(dtype=np.str_)
    label = rows["label"].to_numpy(dtype="float64")
    found = []
    for each in sorted(set(day.tolist())):
        inside = day == each
        value = evaluate(label[inside], values[inside], kind)[metric]
        if value is not None:
            found.append(DayScore(version, cut, each, float(value), int(inside.sum())))
    return found


def staleness_curve(scored: Iterable[DayScore], metric: str, resampling: Resampling) -> list[dict[str, Any]]:
    """Return, by weeks of age, the mean metric of a day and its mean loss to the newest model, with intervals.

    Returns:
        `week` (1 holds the first seven days after the cut), `versions`, `days`, `rows`, `metric` and `loss`; a positive
        loss is a worse model, whatever the metric.
    """
    there = [each for each in scored if each.age_days > 0]
    newest = _newest(there)
    weeks: dict[int, list[DayScore]] = {}
    for each in there:
        weeks.setdefault((each.age_days - 1) // 7 + 1, []).append(each)
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0
    return [
        {
            "week": week, "versions": len({each.version for each in found}),
            "days": len({each.day for each in found}), "rows": sum(each.rows for each in found),
            "metric": possible(
                metric, mean_interval([each.value for each in found], [each.day for each in found], resampling)
            ).as_dict(),
            "loss": mean_interval(
                [sign * (newest[each.day].value - each.value) for each in found], [each.day for each in found],
                resampling,
            ).as_dict(),
        }
        for week, found in sorted(weeks.items())
    ]  # fmt: skip


def _newest(scored: Iterable[DayScore]) -> Mapping[str, DayScore]:
    """Return the score of the youngest version on each day."""
    found: dict[str, DayScore] = {}
    for each in scored:
        before = found.get(each.day)
        if before is None or each.age_days < before.age_days:
            found[each.day] = each
    return found
