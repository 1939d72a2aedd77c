"""What is known of a flight one hour before its scheduled departure, and what is asked about it.

How each column is computed stands in `sql/features.sql`; here are the inputs that the SQL may see, the columns with
their meaning, and the label.
"""

from __future__ import annotations

from catena.declaration import Column, ColumnType, FeatureInput, FeatureView, Label, Table
from usecases.flight_delays.tables import column, required

OWNER = "data-scientist"


def share(name: str, description: str) -> Column:
    """Return a column that holds a share between 0 and 1, null where it would rest on no flight."""
    return column(name, "float64", description)


def numbers(type_: ColumnType, **descriptions: str) -> tuple[Column, ...]:
    """Return nullable columns of one type, by name and description."""
    return tuple(column(name, type_, text) for name, text in descriptions.items())


KEYS = (
    required("partition", "string", "Local day of scheduled departure, as 2013-01-05."),
    required("entity", "string", "The flight: `flight_id`."),
    required("decision_at", "timestamp", "One hour before scheduled departure, UTC."),
    required("known_at", "timestamp", "When the features are known: `decision_at`."),
)

FLIGHT = (
    required("carrier", "string", "Two-character carrier code."),
    required("origin", "string", "Airport of departure, FAA code."),
    required("dest", "string", "Airport of arrival, FAA code."),
    required("departure_local_hour", "int64", "Hour of scheduled departure, local."),
    required("departure_local_min", "int64", "Scheduled departure, minutes after local midnight."),
    required("departure_weekday", "int64", "Weekday of departure, Monday is 1."),
    required("distance_miles", "int64", "Distance between the airports, miles."),
    column(
        "scheduled_duration_min",
        "float64",
        "Scheduled arrival minus departure by the clocks of both airports, minutes; holds the difference of zones.",
    ),
    required("origin_scheduled_1h_count", "int64", "Flights scheduled from the origin within 30 minutes of this one."),
)

AIRCRAFT = (
    required("is_aircraft_known", "bool", "True where the register holds the tail number."),
    *numbers(
        "float64",
        aircraft_age_years="Year of the flight minus year of manufacture.",
        aircraft_seats="Number of seats.",
        aircraft_engines="Number of engines.",
    ),
    *numbers("string", aircraft_type="Kind of aircraft.", aircraft_engine="Kind of engine."),
)

WEATHER = numbers(
    "float64",
    weather_age_min="Minutes from the last known observation at the origin to the decision.",
    temperature_f="Temperature then, degrees Fahrenheit.",
    dew_point_f="Dew point then, degrees Fahrenheit.",
    humidity_pct="Relative humidity then, percent.",
    wind_direction_deg="Direction of the wind then, degrees.",
    wind_speed_mph="Wind speed then, miles per hour.",
    wind_gust_mph="Wind gust then, miles per hour.",
    precipitation_in="Precipitation of that hour, inches.",
    pressure_mbar="Sea-level pressure then, millibars.",
    visibility_miles="Visibility then, miles.",
    precipitation_6h_in="Precipitation observed in the six hours before the decision, inches.",
    temperature_change_3h_f="Temperature minus that of three hours earlier, degrees Fahrenheit.",
    pressure_change_3h_mbar="Pressure minus that of three hours earlier, millibars.",
    visibility_change_3h_miles="Visibility minus that of three hours earlier, miles.",
)

TRAILING = tuple(
    item
    for group, text in (
        ("carrier", "the carrier"),
        ("route", "the origin and destination"),
        ("origin", "the origin"),
        ("hour", "the hour of departure at the origin"),
        ("flight", "the carrier, flight number and origin"),
    )
    for item in (
        share(f"{group}_late_7d_share", f"Share of arrivals more than 15 min late, 7 days before, of {text}."),
        share(f"{group}_late_28d_share", f"Share of arrivals more than 15 min late, 28 days before, of {text}."),
        required(f"{group}_arrivals_28d_count", "int64", f"Arrivals in the 28 days before, of {text}."),
    )
)

SAME_DAY = (
    *(
        item
        for hours in (1, 2, 3)
        for item in (
            required(
                f"origin_departures_{hours}h_count",
                "int64",
                f"Departures from the origin in the {hours} h before the decision.",
            ),
            share(f"origin_late_departures_{hours}h_share", "Share of them more than 15 min late at departure."),
            column(f"origin_departure_delay_mean_{hours}h_min", "float64", "Their mean delay at departure, minutes."),
        )
    ),
    required(
        "carrier_origin_departures_3h_count",
        "int64",
        "Departures of the carrier from the origin in the 3 h before the decision.",
    ),
    share("carrier_origin_late_departures_3h_share", "Share of them more than 15 min late at departure."),
    column("carrier_origin_departure_delay_mean_3h_min", "float64", "Their mean delay at departure, minutes."),
    required(
        "origin_backlog_3h_count",
        "int64",
        "Flights due at the origin in the 3 h before the decision, not known as departed or cancelled.",
    ),
    column("origin_backlog_overdue_mean_min", "float64", "How long they are overdue on average, minutes."),
    share("origin_cancelled_6h_share", "Share of the flights due in the 6 h before the decision known as cancelled."),
    share(
        "origin_arrived_late_6h_share",
        "Share of flights from the origin whose arrival became known in the 6 h "
        "before the decision that came more than 15 min late.",
    ),
)

PREVIOUS_LEG = numbers(
    "float64",
    previous_departure_delay_min="Delay of the aircraft's latest known departure within two days, minutes.",
    previous_departure_age_min="Minutes from that departure to the decision.",
    previous_arrival_delay_min="Delay at arrival of the aircraft's latest known arrival within two days, minutes.",
    previous_due_overdue_min="Minutes by which a scheduled departure of the aircraft in the 12 h before the decision, "
    "not known to have happened or to be cancelled, is overdue.",
)

FEATURES_TABLE = Table(
    name="features",
    description="One row per flight: what was known one hour before its scheduled departure.",
    owner=OWNER,
    primary_key=("partition", "entity"),
    columns=(*KEYS, *FLIGHT, *AIRCRAFT, *WEATHER, *TRAILING, *SAME_DAY, *PREVIOUS_LEG),
)

FEATURES = FeatureView(
    table="features",
    spine_table="schedule",
    entity="flight_id",
    decision_sql="scheduled_departure_at - INTERVAL 1 HOUR",
    sql="features.sql",
    inputs=(
        FeatureInput(
            name="timetable",
            table="schedule",
            cut="partition",
            columns=("partition", "flight_id", "carrier", "origin", "tailnum", "scheduled_departure_at"),
            lookback_days=1,
        ),
        FeatureInput(
            name="departures",
            table="outcomes",
            cut="row",
            columns=("partition", "flight_id", "departed_at", "departure_delay_min"),
            known_at="departed_at",
            lookback_days=1,
        ),
        FeatureInput(
            name="landings",
            table="outcomes",
            cut="row",
            columns=("flight_id", "known_at", "tailnum", "origin", "scheduled_departure_at", "arrival_delay_min",
                     "is_cancelled"),
            lookback_days=1,
        ),
        FeatureInput(
            name="history",
            table="outcomes",
            cut="partition",
            columns=("partition", "carrier", "flight_number", "origin", "dest", "scheduled_departure_at",
                     "arrival_delay_min"),
            lookback_days=28,
        ),
        FeatureInput(
            name="observations",
            table="weather",
            cut="row",
            columns=("origin", "event_time", "temperature_f", "dew_point_f", "humidity_pct", "wind_direction_deg",
                     "wind_speed_mph", "wind_gust_mph", "precipitation_in", "pressure_mbar", "visibility_miles"),
            lookback_days=1,
        ),
        FeatureInput(
            name="planes",
            table="planes",
            cut="static",
            columns=("tailnum", "built_year", "type", "engines", "seats", "engine"),
        ),
    ),
)  # fmt: skip

LABEL = Label(
    table="outcomes",
    entity="flight_id",
    expression="CASE WHEN NOT is_cancelled AND NOT is_diverted THEN arrival_delay_min > 15 END",
    description="Arrives more than 15 minutes late. Cancelled and diverted flights never arrive as planned, so have no "
    "delay: they are left out of training and metrics, but scored like any other, as nobody knows at the decision. "
    "So the probability is conditional on the flight arriving as planned.",
    unit="probability",
)
