"""Monitoring: realised performance, drift and data condition of a day, judged by declared limits."""

from catena.monitoring.challenge import GAIN, GAIN_HIGH, Pair, challenger_gain, gain_measures, is_breach, verdict_of
from catena.monitoring.condition import (
    feature_drift,
    freshness,
    null_rates,
    quarantine_rates,
    score_drift,
    volumes,
)
from catena.monitoring.drift import Drift, Reference, reference_days, references, stability_index
from catena.monitoring.guard import Breach, Judged, breaches
from catena.monitoring.measures import GUARDED, Alert, Measure, alerts, health_rows
from catena.monitoring.performance import guarded, performance

__all__ = [
    "GAIN",
    "GAIN_HIGH",
    "GUARDED",
    "Alert",
    "Breach",
    "Drift",
    "Judged",
    "Measure",
    "Pair",
    "Reference",
    "alerts",
    "breaches",
    "challenger_gain",
    "feature_drift",
    "freshness",
    "gain_measures",
    "guarded",
    "health_rows",
    "is_breach",
    "null_rates",
    "performance",
    "quarantine_rates",
    "reference_days",
    "references",
    "score_drift",
    "stability_index",
    "verdict_of",
    "volumes",
]
