"""Monitoring: realised performance, drift and data condition of a day, judged by declared limits."""

from catena.monitoring.alarms import Alarm, Standing, Trigger, alarms, needs_labels, standing_confirmed, triggers
from catena.monitoring.challenge import GAIN, GAIN_HIGH, Pair, challenger_gain, gain_measures, is_breach, verdict_of
from catena.monitoring.condition import (
    drift_rates,
    feature_drift,
    freshness,
    model_age,
    null_rates,
    quarantine_rates,
    score_drift,
    volumes,
)
from catena.monitoring.drift import DayCounts, Drift, Reference, reference_days, references, stability_index
from catena.monitoring.guard import Breach, Judged, breaches
from catena.monitoring.measures import GUARDED, GUARDED_ESTIMATE, Alert, Measure, alerts, health_rows, subject_of
from catena.monitoring.performance import arrivals, estimated, guarded, performance
from catena.monitoring.soundness import no_skew, score_jump, skew, stability, unknown_skew

__all__ = [
    "GAIN",
    "GAIN_HIGH",
    "GUARDED",
    "GUARDED_ESTIMATE",
    "Alarm",
    "Alert",
    "Breach",
    "DayCounts",
    "Drift",
    "Judged",
    "Measure",
    "Pair",
    "Reference",
    "Standing",
    "Trigger",
    "alarms",
    "alerts",
    "arrivals",
    "breaches",
    "challenger_gain",
    "drift_rates",
    "estimated",
    "feature_drift",
    "freshness",
    "gain_measures",
    "guarded",
    "health_rows",
    "is_breach",
    "model_age",
    "needs_labels",
    "no_skew",
    "null_rates",
    "performance",
    "quarantine_rates",
    "reference_days",
    "references",
    "score_drift",
    "score_jump",
    "skew",
    "stability",
    "stability_index",
    "standing_confirmed",
    "subject_of",
    "triggers",
    "unknown_skew",
    "verdict_of",
    "volumes",
]
