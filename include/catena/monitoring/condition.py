"""The condition of a day's data: volumes, missing values, refused rows, age, drift of features and scores.

How good the predictions were belongs in `catena.monitoring.performance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pandas as pd

from catena.monitoring.drift import DayCounts, NumericReference, Reference, positions
from catena.monitoring.drift import by_day as day_counts
from catena.monitoring.measures import Measure, measures
from catena.monitoring.permutation import DayPermutation, false_discovery_rates
from catena.partitions import last_day_of, parse_day

# Scores of this many days are compared with those of the window before them.
RECENT_DAYS = 7


def volumes(entities: int, scored: int, window_days: int) -> list[Measure]:
    """Return how many entities the day had and how many were scored."""
    return [
        Measure("rows", window_days, float(entities), entities),
        Measure("scored_rows", window_days, float(scored), scored),
    ]


def null_rates(frame: pd.DataFrame, columns: Sequence[str]) -> list[Measure]:
    """Return the share of missing values of each column on one day."""
    if frame.empty:
        return []
    shares = frame[list(columns)].isna().mean()
    return [Measure("null_rate", 1, float(shares[column]), len(frame), "feature", column) for column in columns]


def quarantine_rates(accounting: Mapping[str, tuple[int, int]]) -> list[Measure]:
    """Return the share of refused rows of each dataset on one day.

    Args:
        accounting: for each dataset, rows that came in and rows that were quarantined.
    """
    return [
        Measure("quarantine_rate", 1, refused / came if came else None, came, "dataset", name)
        for name, (came, refused) in sorted(accounting.items())
    ]


def freshness(day: str, timezone: str, newest_known_at: datetime | None, rows: int) -> list[Measure]:
    """Return the hours from the newest fact to the local end of the day; negative where facts came after it."""
    end = datetime.combine(parse_day(day) + timedelta(days=1), datetime.min.time(), ZoneInfo(timezone))
    hours = None if newest_known_at is None else (end - newest_known_at).total_seconds() / 3600
    return [Measure("freshness_h", 1, hours, rows)]


def model_age(day: str, trained_on: str | None, rows: int) -> list[Measure]:
    """Return the days since the last one that the serving version was trained on."""
    if trained_on is None:
        return []
    age = (parse_day(day) - parse_day(last_day_of(trained_on))).days
    return [Measure("model_age_days", 1, float(age), rows)]


def feature_drift(
    window: pd.DataFrame, references: Mapping[str, Reference], counted: DayCounts, window_days: int
) -> list[Measure]:
    """Return the drift of each feature of the window against the serving model's training window, with its p-value.

    Args:
        window: `partition` and the features, in order of days.
        references: by feature.
        counted: of rows that hold the window's.
        window_days: recorded with each measure.
    """
    if window.empty or not references:
        return []
    first, last = window["partition"].iloc[0], window["partition"].iloc[-1]
    days = len(next(iter(references.values())).by_day), window["partition"].nunique()
    permutation = _permutation(*days)
    found = []
    for column, reference in references.items():
        by_day = counted.of(column, reference, first, last)
        drift = reference.compare(window[column], by_day.sum(axis=0))
        numbers: dict[str, float | None] = {"psi": drift.psi, reference.effect_name: drift.effect}
        if min(days) > 1:
            numbers["drift_p"] = permutation.p_value(reference.by_day, by_day)
        found += measures(numbers, window_days, len(window), dimension="feature", value_of=column)
    return found


@cache
def _permutation(reference: int, window: int) -> DayPermutation:
    return DayPermutation(reference, window)


def score_drift(window: pd.DataFrame, day: str, window_days: int) -> list[Measure]:
    """Return the drift of the last days' scores against the days of the window before them.

    Scores of the training window would flatter: the model has seen those rows.
    """
    first_recent = f"{parse_day(day) - timedelta(days=RECENT_DAYS - 1):%Y-%m-%d}"
    recent, before = (window[window["partition"] >= first_recent], window[window["partition"] < first_recent])
    if recent.empty or before["partition"].nunique() < RECENT_DAYS:
        return []
    reference = NumericReference(before["score"], positions(before["partition"]))
    by_day = day_counts(reference.buckets(recent["score"]), reference.size, positions(recent["partition"]))
    drift = reference.compare(recent["score"], by_day.sum(axis=0))
    numbers: dict[str, float | None] = {"psi": drift.psi, "ks": drift.effect}
    if len(by_day) > 1:
        numbers["drift_p"] = _permutation(len(reference.by_day), len(by_day)).p_value(reference.by_day, by_day)
    return measures(numbers, window_days, len(recent), dimension="score", value_of="score")


def drift_rates(found: Sequence[Measure], watched: Sequence[str]) -> list[Measure]:
    """Return the false discovery rate of each drift that may alert, judged together: watched features and scores.

    Columns that nobody watches drift with every season; they would make the others' rates small for nothing.
    """
    tests = [
        item for item in found
        if item.name == "drift_p" and item.value is not None
        and (item.dimension == "score" or item.value_of in watched)
    ]  # fmt: skip
    rates = false_discovery_rates({f"{item.dimension}:{item.value_of}": item.value or 0.0 for item in tests})
    return [replace(item, name="drift_rate", value=rates[f"{item.dimension}:{item.value_of}"]) for item in tests]
