"""Clean and reference tables of `flight_delays`."""

from __future__ import annotations

from catena.declaration import Column, ColumnType, Table

OWNER = "data-engineer"


def column(name: str, type_: ColumnType, description: str, *, known_at: str = "known_at") -> Column:
    """Return a nullable, public column."""
    return Column(name=name, type=type_, description=description, known_at=known_at)


def required(name: str, type_: ColumnType, description: str) -> Column:
    """Return a public column that is never null."""
    return Column(name=name, type=type_, description=description, nullable=False)


PARTITION = required("partition", "string", "Local day of scheduled departure or observation, as 2013-01-05.")
EVENT_TIME = required("event_time", "timestamp", "When it happened, UTC.")
KNOWN_AT = required("known_at", "timestamp", "When it could be known, UTC.")

FLIGHT = (
    PARTITION,
    required("flight_id", "string", "Day, carrier, flight number and origin: 2013-01-05-UA-1545-EWR."),
    EVENT_TIME,
    KNOWN_AT,
    required("carrier", "string", "Two-character carrier code."),
    required("flight_number", "int64", "Number of the flight."),
    column("tailnum", "string", "Tail number of the aircraft; null where none was assigned."),
    required("origin", "string", "Airport of departure, FAA code."),
    required("dest", "string", "Airport of arrival, FAA code."),
    required("scheduled_departure_at", "timestamp", "Scheduled departure, UTC."),
)

SCHEDULE = Table(
    name="schedule",
    description="What was known a day ahead of each flight; known at noon UTC of the day before.",
    owner=OWNER,
    primary_key=("partition", "flight_id"),
    columns=(
        *FLIGHT,
        required("scheduled_departure_local_min", "int64", "Scheduled departure, minutes after local midnight."),
        required("scheduled_arrival_local_min", "int64", "Scheduled arrival, minutes after midnight at the airport."),
        required("distance_miles", "int64", "Distance between the airports, miles."),
    ),
)

OUTCOMES = Table(
    name="outcomes",
    description="What became of each flight. Departure facts are known at `departed_at`, the others at `known_at`.",
    owner=OWNER,
    primary_key=("partition", "flight_id"),
    columns=(
        *FLIGHT,
        column(
            "departed_at", "timestamp", "Actual departure, UTC; null for a cancelled flight.", known_at="departed_at"
        ),
        column("departure_delay_min", "int64", "Minutes late at departure, negative if early.", known_at="departed_at"),
        column("arrival_delay_min", "int64", "Minutes late at arrival; null if cancelled or diverted."),
        column("air_time_min", "int64", "Minutes in the air."),
        required("is_cancelled", "bool", "True where the flight never departed."),
        column("is_diverted", "bool", "True where it departed and has no arrival delay; null while it is under way."),
    ),
)

WEATHER = Table(
    name="weather",
    description="Hourly weather at the airports of origin; an hour's observation is known when the hour is over.",
    owner=OWNER,
    primary_key=("partition", "origin", "event_time"),
    columns=(
        PARTITION,
        required("origin", "string", "Airport, FAA code."),
        EVENT_TIME,
        KNOWN_AT,
        column("temperature_f", "float64", "Temperature, degrees Fahrenheit."),
        column("dew_point_f", "float64", "Dew point, degrees Fahrenheit."),
        column("humidity_pct", "float64", "Relative humidity, percent."),
        column("wind_direction_deg", "float64", "Direction of the wind, degrees."),
        column("wind_speed_mph", "float64", "Wind speed, miles per hour."),
        column("wind_gust_mph", "float64", "Wind gust, miles per hour."),
        column("precipitation_in", "float64", "Precipitation, inches."),
        column("pressure_mbar", "float64", "Sea-level pressure, millibars."),
        column("visibility_miles", "float64", "Visibility, miles."),
    ),
)

PLANES = Table(
    name="planes",
    description="Aircraft by tail number, from the airline's operational database.",
    owner=OWNER,
    primary_key=("tailnum",),
    is_partitioned=False,
    columns=(
        required("tailnum", "string", "Tail number."),
        column("built_year", "int64", "Year of manufacture."),
        column("type", "string", "Kind of aircraft."),
        column("manufacturer", "string", "Manufacturer."),
        column("model", "string", "Model."),
        column("engines", "int64", "Number of engines."),
        column("seats", "int64", "Number of seats."),
        column("engine", "string", "Kind of engine."),
    ),
)

AIRPORTS = Table(
    name="airports",
    description="Airports by FAA code.",
    owner=OWNER,
    primary_key=("faa",),
    is_partitioned=False,
    columns=(
        required("faa", "string", "FAA code."),
        required("name", "string", "Name."),
        required("latitude_deg", "float64", "Latitude, degrees north."),
        required("longitude_deg", "float64", "Longitude, degrees east."),
        column("altitude_ft", "int64", "Altitude, feet."),
        column("timezone", "string", "IANA time zone."),
    ),
)

AIRLINES = Table(
    name="airlines",
    description="Airlines by carrier code.",
    owner=OWNER,
    primary_key=("carrier",),
    is_partitioned=False,
    columns=(
        required("carrier", "string", "Two-character carrier code."),
        required("name", "string", "Name."),
    ),
)

TABLES = (SCHEDULE, OUTCOMES, WEATHER, PLANES, AIRPORTS, AIRLINES)
