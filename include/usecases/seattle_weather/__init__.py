"""How warm will today be in Seattle? Asked at six in the morning; the worked example of a second use case."""

from __future__ import annotations

from pathlib import Path

from catena.declaration import (
    Between,
    Calendar,
    CleanTable,
    Column,
    ColumnType,
    Dataset,
    FeatureInput,
    FeatureView,
    FileSource,
    Fresh,
    Gate,
    Holds,
    InSet,
    Label,
    Model,
    Monitoring,
    NotNull,
    Report,
    Table,
    Unique,
    UseCase,
)


def required(name: str, type_: ColumnType, description: str) -> Column:
    """Return a public column that is never null."""
    return Column(name=name, type=type_, description=description, nullable=False)


def optional(name: str, type_: ColumnType, description: str) -> Column:
    """Return a public column that may be null."""
    return Column(name=name, type=type_, description=description)


KEYS = (
    required("partition", "string", "Local day, as 2012-01-05."),
    required("day_id", "string", "The day, as 2012-01-05."),
    required("event_time", "timestamp", "Local midnight at which the day begins, UTC."),
    required("known_at", "timestamp", "When the row could be known, UTC."),
)

FORECAST_DAYS = Table(
    name="forecast_days",
    description="The days to forecast; a calendar is known a year ahead.",
    owner="data-engineer",
    primary_key=("partition", "day_id"),
    columns=(*KEYS, required("month", "int64", "Month of the year."), required("year_day", "int64", "Day of the year.")),
)

OBSERVATIONS = Table(
    name="observations",
    description="What the station measured; known when the day is over.",
    owner="data-engineer",
    primary_key=("partition", "day_id"),
    columns=(
        *KEYS,
        required("precipitation_mm", "float64", "Precipitation, millimetres."),
        required("temperature_max_c", "float64", "Highest temperature, degrees Celsius."),
        required("temperature_min_c", "float64", "Lowest temperature, degrees Celsius."),
        required("wind_m_per_s", "float64", "Mean wind speed, metres per second."),
        required("weather", "string", "drizzle, rain, snow, sun or fog."),
    ),
)

DAILY = Dataset(
    name="daily",
    source=FileSource(path="seattle_weather/daily/{partition}.csv"),
    raw_table="raw_daily",
    columns=(
        optional("date", "string", "Day, as 2012/01/05."),
        optional("precipitation", "float64", "Precipitation, millimetres."),
        optional("temp_max", "float64", "Highest temperature, degrees Celsius."),
        optional("temp_min", "float64", "Lowest temperature, degrees Celsius."),
        optional("wind", "float64", "Wind speed, metres per second."),
        optional("weather", "string", "Kind of weather."),
    ),
    rules=(
        Unique(columns=("date",), severity="quarantine", reason="A day is measured once."),
        Holds(
            name="date_is_the_partition",
            expression="replace(date, '/', '-') = partition",
            severity="quarantine",
            reason="The row belongs to another day.",
        ),
        NotNull(column="temp_max", severity="quarantine", reason="Without a highest temperature there is no outcome."),
        Between(column="temp_max", minimum=-30, maximum=50, severity="quarantine", reason="No such heat in Seattle."),
        Between(column="precipitation", minimum=0, maximum=500, severity="quarantine", reason="No such rain."),
        Holds(
            name="minimum_below_maximum",
            expression="temp_min <= temp_max",
            severity="quarantine",
            reason="The lowest temperature lies above the highest.",
        ),
        InSet(
            column="weather",
            values=("drizzle", "rain", "snow", "sun", "fog"),
            severity="warn",
            reason="A kind of weather that was not seen before.",
        ),
    ),
    clean=(
        CleanTable(table="forecast_days", sql="forecast_days.sql"),
        CleanTable(table="observations", sql="observations.sql"),
    ),
)
