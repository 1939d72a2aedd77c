"""The rules that the deliveries of `flight_delays` must meet, each with the reason that a reader of a verdict is given.

Where the rows come from, and what becomes of them, belongs in `usecases.flight_delays.datasets`.
"""

from __future__ import annotations

from catena.declaration import Between, Fresh, Holds, InSet, Matches, NotNull, Rule, Unique, Volume

ORIGINS = ("EWR", "JFK", "LGA")
CLOCK = "({0} >= 0 AND {0} <= 2400 AND {0} % 100 < 60)"


def always(*names: str) -> tuple[Rule, ...]:
    """Return the rules that these columns have a value."""
    return tuple(NotNull(column=name, severity="quarantine", reason=f"A row needs its {name}.") for name in names)


def holds(name: str, expression: str, reason: str) -> Holds:
    """Return a condition without which a row is taken out."""
    return Holds(name=name, expression=expression, severity="quarantine", reason=reason)


def within(name: str, minimum: float, maximum: float, reason: str) -> Between:
    """Return limits outside which a row is taken out."""
    return Between(column=name, minimum=minimum, maximum=maximum, severity="quarantine", reason=reason)


_DATE = "format('{:04d}-{:02d}-{:02d}', year, month, day) = partition"
_LOCAL_HOUR = "timezone('America/New_York', time_hour) = CAST(partition AS TIMESTAMP) + to_hours(hour)"

FLIGHT_RULES: tuple[Rule, ...] = (
    *always(
        "year",
        "month",
        "day",
        "carrier",
        "flight",
        "origin",
        "dest",
        "sched_dep_time",
        "sched_arr_time",
        "distance",
        "hour",
        "minute",
        "time_hour",
    ),
    Unique(
        columns=("carrier", "flight", "origin"),
        severity="quarantine",
        reason="A carrier's flight number leaves an airport once a day.",
    ),
    holds("date_is_the_partition", _DATE, "The row belongs to another day."),
    holds("time_hour_is_the_local_hour", _LOCAL_HOUR, "The UTC hour is not the local hour of the schedule."),
    InSet(column="origin", values=ORIGINS, severity="quarantine", reason="Only New York's airports are in scope."),
    Matches(column="carrier", pattern="^[0-9A-Z]{2}$", severity="quarantine", reason="No carrier code."),
    Matches(column="dest", pattern="^[A-Z]{3}$", severity="quarantine", reason="No FAA code of an airport."),
    Matches(column="tailnum", pattern="^N[0-9A-Z]{3,5}$", severity="warn", reason="No tail number of the registry."),
    within("flight", 1, 9999, "Flight numbers have one to four digits."),
    within("distance", 1, 6000, "No flight out of New York is that short or that long."),
    within("dep_delay", -120, 2880, "No flight departs that early or that late."),
    within("arr_delay", -180, 2880, "No flight arrives that early or that late."),
    within("air_time", 5, 1200, "No flight out of New York takes that long or that little."),
    holds(
        "clock_times",
        " AND ".join(CLOCK.format(name) for name in ("dep_time", "sched_dep_time", "arr_time", "sched_arr_time")),
        "A clock time is HHMM up to 2400.",
    ),
    holds("schedule_is_its_parts", "sched_dep_time = hour * 100 + minute", "Hour and minute are not the schedule's."),
    holds(
        "cancelled_has_no_times",
        "dep_delay IS NOT NULL OR (dep_time IS NULL AND arr_time IS NULL AND arr_delay IS NULL AND air_time IS NULL)",
        "A cancelled flight has no departure and no arrival.",
    ),
    holds("departed_has_time", "(dep_delay IS NULL) = (dep_time IS NULL)", "Departure time and delay go together."),
    holds("arrived_has_air_time", "(arr_delay IS NULL) = (air_time IS NULL)", "Arrival delay goes with air time."),
    holds(
        "departure_delay_fits_times",
        "((dep_time // 100 * 60 + dep_time % 100) - (hour * 60 + minute) - dep_delay) % 1440 = 0",
        "The departure delay is not the difference of the times.",
    ),
    holds(
        "arrival_delay_fits_times",
        "((arr_time // 100 * 60 + arr_time % 100) - (sched_arr_time // 100 * 60 + sched_arr_time % 100) - arr_delay)"
        " % 1440 = 0",
        "The arrival delay is not the difference of the times.",
    ),
    Volume(minimum_ratio=0.5, maximum_ratio=1.5, severity="warn", reason="Unusually few or many flights."),
    Volume(minimum_ratio=0.1, maximum_ratio=5.0, severity="fail", reason="No day has so few or so many flights."),
    Fresh(column="time_hour", within_hours=12, severity="warn", reason="The file ends long before the day does."),
)

WEATHER_RULES: tuple[Rule, ...] = (
    *always("origin", "year", "month", "day", "hour", "time_hour"),
    Unique(columns=("origin", "time_hour"), severity="quarantine", reason="One observation an airport and hour."),
    holds("date_is_the_partition", _DATE, "The row belongs to another day."),
    holds("time_hour_is_the_local_hour", _LOCAL_HOUR, "The UTC hour is not the local hour."),
    InSet(column="origin", values=ORIGINS, severity="quarantine", reason="Only New York's airports are in scope."),
    within("temp", -40, 130, "No such temperature in New York."),
    within("dewp", -60, 100, "No such dew point in New York."),
    within("humid", 0, 100, "Humidity is a percentage."),
    within("wind_dir", 0, 360, "A direction is 0 to 360 degrees."),
    within("wind_speed", 0, 200, "No wind is that fast."),
    within("wind_gust", 0, 250, "No gust is that fast."),
    within("precip", 0, 10, "No hour has so much rain."),
    within("pressure", 850, 1100, "No such air pressure."),
    within("visib", 0, 100, "No such visibility."),
    NotNull(column="temp", severity="warn", reason="The temperature was not measured."),
    Volume(minimum_ratio=0.9, maximum_ratio=1.1, severity="warn", reason="Hours are missing or too many."),
    Volume(minimum_ratio=0.0, maximum_ratio=5.0, severity="fail", reason="A day has 24 hours at three airports."),
    Fresh(column="time_hour", within_hours=3, severity="warn", reason="The last hours of the day are missing."),
)

PLANES_RULES: tuple[Rule, ...] = (
    *always("tailnum"),
    Unique(columns=("tailnum",), severity="quarantine", reason="An aircraft has one entry."),
    Matches(column="tailnum", pattern="^N[0-9A-Z]{3,5}$", severity="quarantine", reason="No tail number."),
    within("year", 1903, 2100, "No aircraft is that old."),
    within("seats", 1, 900, "No aircraft has so many seats."),
    within("engines", 1, 8, "No aircraft has so many engines."),
)

AIRPORTS_RULES: tuple[Rule, ...] = (
    *always("faa", "name", "lat", "lon"),
    Unique(columns=("faa",), severity="quarantine", reason="A code names one airport."),
    Matches(column="faa", pattern="^[0-9A-Z]{3}$", severity="quarantine", reason="No FAA code."),
    within("lat", -90, 90, "No latitude."),
    within("lon", -180, 180, "No longitude."),
    NotNull(column="tzone", severity="warn", reason="Local times there cannot be told in UTC."),
)

AIRLINES_RULES: tuple[Rule, ...] = (
    *always("carrier", "name"),
    Unique(columns=("carrier",), severity="quarantine", reason="A code names one airline."),
    Matches(column="carrier", pattern="^[0-9A-Z]{2}$", severity="quarantine", reason="No carrier code."),
)
