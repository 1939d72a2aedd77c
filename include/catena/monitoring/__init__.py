"""Monitoring: realised performance, drift and data condition of a day, judged by declared limits."""

from catena.monitoring.condition import (
    feature_drift,
    freshness,
    null_rates,
    quarantine_rates,
    score_drift,
    volumes,
)
from catena.monitoring.drift import Drift, Reference, reference_days, references, stability_index
from catena.monitoring.measures import Alert, Measure, alerts, health_rows
from catena.monitoring.performance import performance

__all__ = [
    "Alert",
    "Drift",
    "Measure",
    "Reference",
    "alerts",
    "feature_drift",
    "freshness",
    "health_rows",
    "null_rates",
    "performance",
    "quarantine_rates",
    "reference_days",
    "references",
    "score_drift",
    "stability_index",
    "volumes",
]
