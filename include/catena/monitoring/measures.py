"""The shape of a measure, the judgement by declared limits, and the rows of the `health` table.

How a measure is computed belongs in the sibling modules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from catena.declaration import Limit, Monitoring
from catena.lake import HEALTH, arrow_schema

# Dimensions of what the guard judges: a version, on its own rows of the window, by labels or by the estimate.
GUARDED = "serving"
GUARDED_ESTIMATE = "serving_estimate"
# Measures that rest on no label: they are known on the day itself.
LABEL_FREE = frozenset({
    "psi", "ks", "cramers_v", "drift_p", "drift_rate", "null_rate", "quarantine_rate", "rows", "scored_rows",
    "skew_share", "unsound_score_share", "missing_input_share", "score_jump", "model_age_days",
})  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One number about a window of days that ends with the day."""

    name: str
    window_days: int
    value: float | None
    rows: int
    dimension: str = ""
    value_of: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Alert:
    """A measure beyond its declared limit, and what that means."""

    measure: Measure
    reason: str

    @property
    def subject(self) -> str:
        """What the ledger calls it: the measure, and the column where there is one."""
        return subject_of(self.measure.name, self.measure.value_of)


def subject_of(measure: str, value_of: str) -> str:
    """Return what alerts and alarms call a measure: its name, and the column where there is one."""
    return ":".join(part for part in (measure, value_of) if part)


def measures(
    numbers: Mapping[str, Any], window_days: int, rows: int, *, dimension: str = "", value_of: str = ""
) -> list[Measure]:
    """Return one measure for each number; what is not a finite number becomes null."""
    return [
        Measure(name, window_days, finite(value), rows, dimension, value_of)
        for name, value in numbers.items()
        if value is None or isinstance(value, (int, float))
    ]


def finite(value: float | None) -> float | None:
    """Return the value as a float, None where it is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def alerts(found: Iterable[Measure], monitoring: Monitoring) -> list[Alert]:
    """Return the measures that pass a declared limit and rest on enough rows."""
    found = list(found)
    rates = {(item.dimension, item.value_of): item.value for item in found if item.name == "drift_rate"}
    raised = []
    for measure in found:
        if measure.value is None or measure.rows < monitoring.minimum_rows:
            continue
        rate = rates.get((measure.dimension, measure.value_of))
        reason = _drift_reason(measure, monitoring, rate) or next(
            (limit.reason for limit in monitoring.limits if _passes(measure, limit, monitoring.trailing_days)), None
        )
        if reason is not None:
            raised.append(Alert(measure, reason))
    return raised


def _drift_reason(measure: Measure, monitoring: Monitoring, rate: float | None) -> str | None:
    """Return why a drift is an alert: it is large, and more than days differ; where that cannot be told it is none."""
    if measure.name != "psi" or measure.value is None or measure.value <= monitoring.maximum_psi:
        return None
    if rate is None or rate > monitoring.false_discovery_rate:
        return None
    if measure.dimension == "feature" and measure.value_of not in monitoring.drift_columns:
        return None
    return f"{measure.value_of} is distributed differently than in its reference."


def _passes(measure: Measure, limit: Limit, trailing_days: int) -> bool:
    window = trailing_days if limit.is_trailing else 1
    if (measure.name, measure.window_days) != (limit.measure, window) or measure.dimension not in ("", "dataset"):
        return False
    # The bound that must lie beyond the limit is the one that is nearer to it from the other side.
    low, high = (measure.low, measure.high) if limit.is_sure else (measure.value, measure.value)
    return (limit.minimum is not None and high is not None and high < limit.minimum) or (
        limit.maximum is not None and low is not None and low > limit.maximum
    )


def health_rows(day: str, model_version: str, found: Iterable[Measure], raised: Iterable[Alert]) -> pa.Table:
    """Return the rows of the `health` table for one day."""
    alarming = {alert.measure for alert in raised}
    rows = [
        {
            "partition": day,
            "measure": item.name,
            "window_days": item.window_days,
            "dimension": item.dimension,
            "value_of": item.value_of,
            "value": item.value,
            "low": item.low,
            "high": item.high,
            "rows": item.rows,
            "model_version": model_version,
            "is_alert": item in alarming,
        }
        for item in found
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(HEALTH))
