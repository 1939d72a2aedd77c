"""How the probability of a late arrival is learned: boosted trees with regular leaves, held to known directions.

Which columns there are stands in `features.py`; the kinds of model that are tried beside this one in `families.py`;
when a model may serve, in the gate of the declaration.

Small steps, large leaves and an L2 penalty: with a month or two of strongly correlated flights a quicker learner takes
the weather of a few bad days for a rule. Up to 63 leaves, since ten months have more to tell than one. Chosen on the
months to June: docs/decisions/018-backtest.md. Scores are not calibrated: docs/decisions/022-calibration.md.
"""

from __future__ import annotations

from catena.declaration import Model

MODEL = Model(
    kind="binary",
    family="gradient_boosting",
    factory="usecases.flight_delays.families:gradient_boosting",
    params={
        "learning_rate": 0.06, "max_iter": 120, "max_leaf_nodes": 63, "min_samples_leaf": 200,
        "l2_regularization": 20.0, "max_features": 0.5,
    },
    numeric=(
        "departure_local_hour", "departure_local_min", "departure_weekday", "distance_miles", "scheduled_duration_min",
        "origin_scheduled_1h_count", "is_aircraft_known", "aircraft_age_years", "aircraft_seats", "aircraft_engines",
        "weather_age_min", "temperature_f", "dew_point_f", "humidity_pct", "wind_direction_deg", "wind_speed_mph",
        "wind_gust_mph", "precipitation_in", "pressure_mbar", "visibility_miles", "precipitation_6h_in",
        "temperature_change_3h_f", "pressure_change_3h_mbar", "visibility_change_3h_miles",
        "carrier_late_7d_share", "carrier_late_28d_share", "carrier_arrivals_28d_count",
        "route_late_7d_share", "route_late_28d_share", "route_arrivals_28d_count",
        "origin_late_7d_share", "origin_late_28d_share", "origin_arrivals_28d_count",
        "hour_late_7d_share", "hour_late_28d_share", "hour_arrivals_28d_count",
        "flight_late_7d_share", "flight_late_28d_share", "flight_arrivals_28d_count",
        "origin_departures_1h_count", "origin_late_departures_1h_share", "origin_departure_delay_mean_1h_min",
        "origin_departures_2h_count", "origin_late_departures_2h_share", "origin_departure_delay_mean_2h_min",
        "origin_departures_3h_count", "origin_late_departures_3h_share", "origin_departure_delay_mean_3h_min",
        "carrier_origin_departures_3h_count", "carrier_origin_late_departures_3h_share",
        "carrier_origin_departure_delay_mean_3h_min", "origin_backlog_3h_count", "origin_backlog_overdue_mean_min",
        "origin_cancelled_6h_share", "origin_arrived_late_6h_share",
        "previous_departure_delay_min", "previous_departure_age_min", "previous_arrival_delay_min",
        "previous_due_overdue_min",
    ),
    categorical=("carrier", "origin", "dest", "aircraft_type", "aircraft_engine"),
    baseline_by=("carrier", "departure_local_hour"),
    slices=("origin", "carrier"),
    validation_days=7,
    minimum_rows=500,
)  # fmt: skip
