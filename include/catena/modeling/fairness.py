"""Whether groups are served alike: each group of a column against all other rows, with an interval by days. Pure.

A group passes where both bounds of its difference lie within the declared tolerance, and fails where the whole interval
lies beyond it: with many groups some differ by chance alone. Between both, or on few rows, it is not shown. With each
comparison stands how often the event happens in the group and in the others: where that differs, scores that are right
within each group cannot miss equally many events in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from catena.declaration import Fairness
from catena.modeling.bootstrap import Interval, Resampling, difference_interval
from catena.modeling.dataset import MISSING
from catena.modeling.judged import Judged, Numbers

Places = npt.NDArray[np.bool_]


def fairness(judged: Judged, declared: Sequence[Fairness], resampling: Resampling) -> list[dict[str, Any]]:
    """Return each group of each declared comparison, with its measure, the difference to the others and a verdict."""
    return [group for each in declared for group in _groups(judged, each, resampling)]


def _groups(judged: Judged, rule: Fairness, resampling: Resampling) -> list[dict[str, Any]]:
    value, asked = _measured(judged, rule)
    label = judged.label
    names = judged.rows[rule.by].astype("string").fillna(MISSING).to_numpy()
    found = []
    for name in sorted(set(names)):
        of_group = np.asarray(names == name)
        inside = of_group[asked]
        difference = difference_interval(value[asked], inside, judged.day[asked], resampling)
        rows = int(inside.sum())
        found.append({
            "name": rule.name, "by": rule.by, "group": str(name), "measure": rule.measure, "reason": rule.reason,
            "tolerance": rule.tolerance, "is_criterion": rule.is_criterion, "rows": rows,
            "happened": float(label[of_group].mean()),
            "others_happened": None if of_group.all() else float(label[~of_group].mean()),
            "value": float(value[asked][inside].mean()) if rows else None,
            "others": float(value[asked][~inside].mean()) if rows < len(inside) else None,
            "difference": difference.as_dict(), "verdict": _verdict(rule, difference, rows),
        })  # fmt: skip
    return found


def _measured(judged: Judged, rule: Fairness) -> tuple[Numbers, Places]:
    """Return the measure of each row, and which rows it is asked of."""
    everywhere = np.ones(len(judged.rows), dtype=bool)
    if rule.measure == "calibration":
        return judged.scores - judged.label, everywhere
    if rule.measure == "error":
        return np.abs(judged.scores - judged.label), everywhere
    assert rule.threshold is not None
    return (judged.scores < rule.threshold).astype(np.float64), judged.label > 0.5


def _verdict(rule: Fairness, difference: Interval, rows: int) -> str:
    if rows < rule.minimum_rows or difference.low is None or difference.high is None:
        return "not shown"
    if -rule.tolerance <= difference.low and difference.high <= rule.tolerance:
        return "passed"
    is_beyond = difference.low > rule.tolerance or difference.high < -rule.tolerance
    return "failed" if is_beyond else "not shown"
