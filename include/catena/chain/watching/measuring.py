"""What monitoring reads of days: rows with labels, scores and features; and what it measures of one.

Which days are due belongs in `catena.chain.watching.monitor`; how a measure is computed, in `catena.monitoring`.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from catena import monitoring as watch
from catena.arrow_sql import sql_over
from catena.chain.scoring.served import ServedDays
from catena.chain.watching.challenge import SHADOW, SHADOW_COLUMNS, compared
from catena.declaration import UseCase
from catena.lake import Lake, identity_of
from catena.modeling.bootstrap import Interval
from catena.partitions import last_day_of, shift_day

# One row for each entity that was scored (current revision) or has an outcome.
_JOIN = """
WITH current AS (
    SELECT partition, entity, score, model_version FROM predictions
    QUALIFY revision = max(revision) OVER (PARTITION BY partition)
)
SELECT coalesce(current.partition, label_rows.partition) AS partition,
       coalesce(current.entity, label_rows.entity) AS entity,
       CAST(label_rows.label AS DOUBLE) AS label, label_rows.known_at, current.score, current.model_version,
       shadow.score AS shadow_score, shadow.model_version AS shadow_version, {features}
FROM current
LEFT JOIN shadow ON shadow.partition = current.partition AND shadow.entity = current.entity
FULL JOIN label_rows ON current.partition = label_rows.partition AND current.entity = label_rows.entity
LEFT JOIN features ON features.partition = current.partition AND features.entity = current.entity
ORDER BY 1, 2
"""
# Performance is measured of the day, of a week, and of the declared trailing window.
WEEK = 7


@dataclass(frozen=True)
class Day:
    """What one day came to."""

    rows: pa.Table
    version: str
    alerts: list[watch.Alert]
    gain: Interval | None = None


class InOrder:
    """Rows in order of days, of which windows are cut without looking at the rows again."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        counts = rows.groupby("partition", sort=True).size()
        self._days = [str(day) for day in counts.index]
        self._ends = [0, *map(int, counts.cumsum())]

    def window(self, day: str, days: int) -> pd.DataFrame:
        """Return the rows of the last days up to a day."""
        low, high = bisect_left(self._days, shift_day(day, 1 - days)), bisect_right(self._days, day)
        return self.rows.iloc[self._ends[low] : self._ends[high]]


@dataclass(frozen=True)
class Watched:
    """The rows of the days that a pass looks at.

    Attributes:
        entities: one row for each entity.
        scored: those of them that have a score.
        labelled: the days whose labels are final; of others no label is used.
        served: what served on the days to measure.
    """

    entities: InOrder
    scored: InOrder
    labelled: frozenset[str]
    served: ServedDays

    def is_labelled(self, rows: pd.DataFrame) -> bool:
        """Return whether all rows are of days whose labels are final."""
        return self.labelled.issuperset(rows["partition"].unique())

    @cached_property
    def counted(self) -> watch.DayCounts:
        """The scored rows of each day in the buckets of the references."""
        return watch.DayCounts(self.scored.rows)


def watched(
    lake: Lake, usecase: UseCase, reach: Sequence[str], due: Sequence[str], columns_of: Callable[[str], Sequence[str]]
) -> Watched:
    """Return the rows of days: label, score and features.

    What streams told of a day so far is no label: the day's file may say otherwise.

    Args:
        lake: of the use case.
        usecase: declaration.
        reach: the days to measure and those of their windows.
        due: the days to measure.
        columns_of: returns the features that a model version takes.
    """
    label = usecase.label
    final = [day for day, content in lake.contents(label.table, reach, final=True).items() if content is not None]
    scored = ["partition", "entity", "revision", "score", "model_version", "features_version"]
    tables = {
        "outcomes_raw": lake.read(label.table, final),
        "predictions": lake.read("predictions", reach, columns=scored),
        "features": lake.read(usecase.features.table, reach, columns=_feature_columns(usecase)),
        "shadow": lake.read(SHADOW, reach if usecase.serving.is_compared else [], columns=SHADOW_COLUMNS),
    }
    with sql_over(tables) as connection:
        connection.execute(
            f"CREATE TEMP VIEW label_rows AS SELECT partition, CAST({label.entity} AS VARCHAR) AS entity, "
            f"({label.expression}) AS label, {label.known_at} AS known_at FROM outcomes_raw"
        )
        features = ", ".join(f"features.{name}" for name in _measured_columns(usecase))
        joined: pd.DataFrame = connection.sql(_JOIN.format(features=features)).to_arrow_table().to_pandas()
    rows = tables["predictions"]
    rows = rows.filter(pc.is_in(rows["partition"], value_set=pa.array(due, pa.string())))
    served = ServedDays(lake, usecase, rows, columns_of)
    return Watched(InOrder(joined), InOrder(joined[joined["score"].notna()]), frozenset(final), served)


def measured(lake: Lake, usecase: UseCase, seen: Watched, day: str, facts: Mapping[str, Any]) -> Day:
    """Return the measures of a day and of the windows that end with it.

    Args:
        facts: `serves`, `accounting` and, where something is tried beside it, `tried` of the day.
    """
    today, scored_today = seen.entities.window(day, 1), seen.scored.window(day, 1)
    known = today["known_at"].dropna()
    newest: datetime | None = None if known.empty else known.max().to_pydatetime()
    found = watch.volumes(len(today), len(scored_today), 1)
    found += watch.quarantine_rates(facts["accounting"])
    found += watch.freshness(day, usecase.timezone, newest, len(today))
    version, gain = "none", None
    if len(scored_today):
        # With a canary two versions scored the day: it counts as that of the one it takes its keys from.
        version = str((facts["serves"] or scored_today.iloc[0])["model_version"])
        found += watch.model_age(day, (facts["serves"] or {}).get("trained_on"), len(scored_today))
        found += watch.null_rates(scored_today, usecase.model.features)
        found += watch.stability(scored_today, usecase.model.features, usecase.model.kind)
        found += seen.served.measures(day, scored_today)
        found += _performance(usecase, seen, day, version)
        found += _drift(lake, usecase, seen, day, facts)
        if (of := facts.get("tried")) is not None:
            window = usecase.monitoring.trailing_days
            scored = seen.scored.window(day, window)
            # What is tried is judged once the labels of its window are final, as what serves is.
            if seen.is_labelled(scored):
                gain = compared(usecase, scored, of)
                found += watch.gain_measures(gain, window, of["kind"], of["challenger"])
    raised = watch.alerts(found, usecase.monitoring)
    return Day(watch.health_rows(day, version, found, raised), version, raised, gain)


def _performance(usecase: UseCase, seen: Watched, day: str, version: str) -> list[watch.Measure]:
    """Return what the scores promise, and what they proved to be where labels are known."""
    model, declared = usecase.model, usecase.monitoring
    found: list[watch.Measure] = []
    for window in sorted({1, WEEK, declared.trailing_days}):
        scored = seen.scored.window(day, window)
        found += watch.arrivals(scored, seen.labelled, window)
        labelled = scored if seen.is_labelled(scored) else scored[scored["partition"].isin(seen.labelled)]
        slices = model.slices if window in (1, declared.trailing_days) else ()
        if len(labelled):
            found += watch.performance(labelled, model.kind, window, slices)
        if model.kind == "binary":
            found += watch.estimated(scored, window)
    if (guard := declared.guard) is not None:
        if guard.window_days not in (1, WEEK, declared.trailing_days):
            found += watch.arrivals(seen.scored.window(day, guard.window_days), seen.labelled, guard.window_days)
        found += watch.guarded(seen.scored.window(day, guard.window_days), model.kind, guard, version)
    return found


def _drift(lake: Lake, usecase: UseCase, seen: Watched, day: str, facts: Mapping[str, Any]) -> list[watch.Measure]:
    window = usecase.monitoring.trailing_days
    scored = seen.scored.window(day, window)
    reference = _references(lake, usecase, (facts["serves"] or {}).get("trained_on"))
    found = watch.feature_drift(scored, reference, seen.counted, window) + watch.score_drift(scored, day, window)
    return found + watch.drift_rates(found, usecase.monitoring.drift_columns)


def _measured_columns(usecase: UseCase) -> list[str]:
    return list(dict.fromkeys((*usecase.model.features, *usecase.model.slices)))


def _feature_columns(usecase: UseCase) -> list[str]:
    return list(dict.fromkeys(("partition", "entity", *_measured_columns(usecase))))


_REFERENCES: dict[tuple[str, int], dict[str, watch.Reference]] = {}


def _references(lake: Lake, usecase: UseCase, trained_on: str | None) -> dict[str, watch.Reference]:
    """Return the distribution of each feature in the serving model's training window, kept for this process."""
    if trained_on is None:
        return {}
    features = usecase.features.table
    sample = watch.reference_days(usecase.calendar.first, last_day_of(trained_on))
    key = (lake.uri(features), identity_of([usecase.model.model_dump(), lake.contents(features, sample)]))
    if key not in _REFERENCES:
        rows = lake.read(features, sample, columns=["partition", *usecase.model.features]).to_pandas()
        _REFERENCES[key] = watch.references(rows, usecase.model.numeric, usecase.model.categorical)
    return _REFERENCES[key]
