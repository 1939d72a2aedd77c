"""What is watched each day and what the monthly report of `flight_delays` speaks of."""

from __future__ import annotations

from catena.declaration import Amount, Guard, Limit, Monitoring, Reference, Report, Retraining

MONITORING = Monitoring(
    trailing_days=28,
    maximum_psi=0.25,
    # Not the weather, which drifts with every season and means nothing by itself; nor trailing rates of a whole group,
    # which take a few values a day, so that their PSI is large on any two months. The rate of late arrivals itself is
    # watched by `calibration_gap`.
    drift_columns=("previous_departure_delay_min", "carrier_origin_departures_3h_count", "carrier", "origin"),
    limits=(
        Limit(measure="roc_auc", minimum=0.60, reason="The predictions hardly tell late flights from others."),
        Limit(
            measure="calibration_gap",
            minimum=-0.08,
            maximum=0.08,
            reason="Predicted probabilities are far from what happened: check for a change of season or of airline.",
        ),
        Limit(
            measure="roc_auc_gap",
            maximum=0.03,
            is_sure=True,
            reason="The scores promise more than comes true: what makes flights late has changed since training.",
        ),
        Limit(
            measure="label_coverage",
            minimum=0.90,
            reason="Many flights have no arrival delay: cancellations, or outcomes that did not arrive.",
        ),
        Limit(measure="quarantine_rate", is_trailing=False, maximum=0.02, reason="Many rows of the day were refused."),
        Limit(measure="freshness_h", is_trailing=False, maximum=12.0, reason="The newest outcomes of the day are old."),
    ),
    # Measured over February to July 2013 with at least 1,500 rows: the lowest is 0.632 for the models that served, and
    # 0.549 the highest for their scores shuffled. Between them, so that neither a week of storms nor luck passes it.
    guard=Guard(
        measure="roc_auc", window_days=7, minimum=0.58, minimum_rows=1_500, confirmation_days=3, cooldown_days=14,
        reason="The model no longer tells late flights from others.",
    ),
    retraining=Retraining(
        on=("calibration_gap", "roc_auc_gap"), confirmation_days=3, cooldown_days=14,
        reason="Outcomes no longer follow the scores:",
    ),
)  # fmt: skip

REPORT = Report(
    title="Flight delays out of New York",
    entity_plural="flights",
    event="late arrivals",
    dimensions=("origin", "carrier"),
    names=(
        Reference(column="origin", table="airports", key="faa", name="name"),
        Reference(column="carrier", table="airlines", key="carrier", name="name"),
    ),
    amounts=(
        Amount(name="mean_arrival_delay", label="Mean arrival delay", unit="min", sql="avg(arrival_delay_min)"),
        Amount(name="cancelled", label="Cancelled", unit="", sql="count(*) FILTER (WHERE is_cancelled)"),
    ),
)
