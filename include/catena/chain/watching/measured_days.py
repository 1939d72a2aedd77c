"""The served days as they were measured, in order: what decisions on them (guard, alarms) may look at.

What a day's rows mean belongs in the links.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from catena.chain.deploying.deployments import Deployments, Serves
from catena.declaration import UseCase
from catena.lake import Lake
from catena.partitions import days, shift_day

AGE, WAITING = "freshness_h", "unlabelled_days"
_COLUMNS = (
    "partition",
    "measure",
    "window_days",
    "dimension",
    "value_of",
    "value",
    "rows",
    "model_version",
    "is_alert",
)


def measured_days(lake: Lake, usecase: UseCase, deployments: Deployments) -> Iterator[tuple[str, Serves, pd.DataFrame]]:
    """Yield each served day with what serves on it and its rows of `health`, up to the first one not measured so.

    Days are yielded from the first one that was served; the first day that was not measured with what serves on it
    today ends the look, so that days before it decide first, whatever the order of arrival.
    """
    there, spells = lake.partitions("health"), deployments.spells()
    if not there or not spells:
        return
    span = [day for day in days(spells[0].first, there[-1]) if usecase.calendar.holds(day)]
    health = lake.read("health", span, columns=_COLUMNS).to_pandas()
    scored = lake.contents("predictions", span)
    by_day = dict(list(health.groupby("partition")))
    for day in span:
        serves = deployments.serves(day)
        if serves is None:
            continue
        rows = by_day.get(day)
        if rows is None:
            # A day that was never delivered holds nobody up; one that waits for its measuring does.
            if scored[day] is None and any(later in by_day for later in _days_after(day, usecase, span)):
                continue
            return
        version = str(rows["model_version"].iloc[0])
        if version == "none":
            continue
        if version != serves["model_version"]:
            return
        yield day, serves, rows


def labels_known_on(day: str, rows: pd.DataFrame, window_days: int) -> str | None:
    """Return the local day on which the day's last label became known.

    None while labels of the window are awaited; empty where the day has none.
    """
    waiting = rows.loc[(rows["measure"] == WAITING) & (rows["window_days"] == window_days), "value"]
    if (waiting > 0).any():
        return None
    age = rows.loc[rows["measure"] == AGE, "value"]
    # It counts back from the day's end.
    return shift_day(day, max(0, math.ceil(-float(age.iloc[0]) / 24))) if age.notna().any() else ""


def _days_after(day: str, usecase: UseCase, span: Sequence[str]) -> list[str]:
    """Return the days whose trailing window reaches back to the day: they are measured only once it is settled."""
    reach = shift_day(day, usecase.monitoring.trailing_days - 1)
    return [later for later in span if day < later <= reach]
