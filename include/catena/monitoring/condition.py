"""The condition of a day's data: volumes, missing values, refused rows, age, drift of features and scores.

How good the predictions were belongs in `catena.monitoring.performance`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from catena.monitoring.drift import NumericReference, Reference
from catena.monitoring.measures import Measure, finite, measures
from catena.partitions import parse_day

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


def feature_drift(window: pd.DataFrame, references: Mapping[str, Reference], window_days: int) -> list[Measure]:
    """Return the drift of each feature of the window against the serving model's training window."""
    found = []
    for column, reference in references.items():
        drift = reference.compare(window[column])
        found += measures(
            {"psi": drift.psi, reference.effect_name: drift.effect},
            window_days,
            len(window),
            dimension="feature",
            value_of=column,
        )
    return found


def score_drift(window: pd.DataFrame, day: str, window_days: int) -> list[Measure]:
    """Return the drift of the last days' scores against the days of the window before them.

    Scores of the training window would flatter: the model has seen those rows.
    """
    first_recent = f"{parse_day(day) - timedelta(days=RECENT_DAYS - 1):%Y-%m-%d}"
    recent, before = (window[window["partition"] >= first_recent], window[window["partition"] < first_recent])
    if recent.empty or before["partition"].nunique() < RECENT_DAYS:
        return []
    drift = NumericReference(before["score"]).compare(recent["score"])
    return [
        Measure("psi", window_days, finite(drift.psi), len(recent), "score", "score"),
        Measure("ks", window_days, finite(drift.effect), len(recent), "score", "score"),
    ]
