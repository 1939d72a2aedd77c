"""What the upstream systems of `flight_delays` deliver, and which clean tables come of it.

The rules that the rows must meet stand in `usecases.flight_delays.rules`.
"""

from __future__ import annotations

from catena.declaration import CleanTable, Column, ColumnType, Dataset, FileSource, SqlSource
from usecases.flight_delays.rules import AIRLINES_RULES, AIRPORTS_RULES, FLIGHT_RULES, PLANES_RULES, WEATHER_RULES
from usecases.flight_delays.tables import column


def delivered(type_: ColumnType, **meanings: str) -> tuple[Column, ...]:
    """Return nullable columns of one type, each with its meaning."""
    return tuple(column(name, type_, meaning) for name, meaning in meanings.items())


FLIGHT_COLUMNS = (
    *delivered(
        "int64",
        year="Local year.",
        month="Local month.",
        day="Local day.",
        dep_time="Actual departure, local HHMM; 2400 is midnight.",
        sched_dep_time="Scheduled departure, HHMM.",
        dep_delay="Minutes late at departure.",
        arr_time="Actual arrival, local HHMM.",
        sched_arr_time="Scheduled arrival, local HHMM.",
        arr_delay="Minutes late at arrival.",
    ),
    column("carrier", "string", "Two-character carrier code."),
    column("flight", "int64", "Number of the flight."),
    *delivered("string", tailnum="Tail number.", origin="Airport of departure.", dest="Airport of arrival."),
    *delivered(
        "int64", air_time="Minutes in the air.", distance="Miles.", hour="Scheduled hour.", minute="Scheduled minute."
    ),
    column("time_hour", "timestamp", "UTC hour of the scheduled departure."),
)

FLIGHTS = Dataset(
    name="flights",
    source=FileSource(path="flight_delays/flights/{partition}.csv"),
    raw_table="raw_flights",
    columns=FLIGHT_COLUMNS,
    rules=FLIGHT_RULES,
    clean=(CleanTable(table="schedule", sql="schedule.sql"), CleanTable(table="outcomes", sql="outcomes.sql")),
)

WEATHER = Dataset(
    name="weather",
    source=FileSource(path="flight_delays/weather/{partition}.csv"),
    raw_table="raw_weather",
    is_required=False,
    columns=(
        column("origin", "string", "Airport."),
        *delivered("int64", year="Local year.", month="Local month.", day="Local day.", hour="Local hour."),
        *delivered(
            "float64",
            temp="Degrees Fahrenheit.",
            dewp="Degrees Fahrenheit.",
            humid="Percent.",
            wind_dir="Degrees.",
            wind_speed="Miles per hour.",
            wind_gust="Miles per hour.",
            precip="Inches.",
            pressure="Millibars.",
            visib="Miles.",
        ),
        column("time_hour", "timestamp", "UTC hour of the observation."),
    ),
    rules=WEATHER_RULES,
    clean=(CleanTable(table="weather", sql="weather.sql"),),
)

PLANES = Dataset(
    name="planes",
    source=SqlSource(
        connection="airline_operations",
        query="SELECT tailnum, year, type, manufacturer, model, engines, seats, speed, engine FROM planes"
        " ORDER BY tailnum",
    ),
    is_partitioned=False,
    columns=(
        column("tailnum", "string", "Tail number."),
        column("year", "int64", "Year of manufacture."),
        *delivered("string", type="Kind of aircraft.", manufacturer="Manufacturer.", model="Model."),
        *delivered("int64", engines="Engines.", seats="Seats.", speed="Cruising speed, mph."),
        column("engine", "string", "Kind of engine."),
    ),
    rules=PLANES_RULES,
    clean=(CleanTable(table="planes", sql="planes.sql"),),
)

AIRPORTS = Dataset(
    name="airports",
    source=FileSource(path="flight_delays/reference/airports.csv"),
    is_partitioned=False,
    columns=(
        *delivered("string", faa="FAA code.", name="Name."),
        *delivered("float64", lat="Degrees north.", lon="Degrees east."),
        *delivered("int64", alt="Feet.", tz="Hours from UTC."),
        *delivered("string", dst="Daylight saving rule.", tzone="IANA time zone."),
    ),
    rules=AIRPORTS_RULES,
    clean=(CleanTable(table="airports", sql="airports.sql"),),
)

AIRLINES = Dataset(
    name="airlines",
    source=FileSource(path="flight_delays/reference/airlines.csv"),
    is_partitioned=False,
    columns=delivered("string", carrier="Two-character code.", name="Name."),
    rules=AIRLINES_RULES,
    clean=(CleanTable(table="airlines", sql="airlines.sql"),),
)

DATASETS = (FLIGHTS, WEATHER, PLANES, AIRPORTS, AIRLINES)
