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
    Gate,
    Holds,
    InSet,
    Label,
    Limit,
    Model,
    Monitoring,
    NotNull,
    Report,
    Retraining,
    Table,
    Unique,
    UseCase,
)
from usecases.seattle_weather.proof import PROOF
from usecases.seattle_weather.search import SEARCH
from usecases.seattle_weather.selection import SELECTION


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
    columns=(
        *KEYS,
        required("month", "int64", "Month of the year."),
        required("year_day", "int64", "Day of the year."),
    ),
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

FEATURES_TABLE = Table(
    name="features",
    description="What is known at six in the morning of the day.",
    owner="data-scientist",
    primary_key=("partition", "entity"),
    columns=(
        required("partition", "string", "Local day, as 2012-01-05."),
        required("entity", "string", "The day: `day_id`."),
        required("decision_at", "timestamp", "Six in the morning, local time, UTC."),
        required("known_at", "timestamp", "When the features are known: `decision_at`."),
        required("month", "int64", "Month of the year."),
        required("season_sine", "float64", "Sine of the day's place in the year."),
        required("season_cosine", "float64", "Cosine of the day's place in the year."),
        optional("temperature_max_1d_c", "float64", "Highest temperature of the day before, degrees Celsius."),
        optional("temperature_min_1d_c", "float64", "Lowest temperature of the day before, degrees Celsius."),
        optional(
            "temperature_max_mean_7d_c", "float64", "Mean of the highest temperatures of 7 days, degrees Celsius."
        ),
        optional("temperature_max_mean_28d_c", "float64", "The same of 28 days."),
        optional("precipitation_1d_mm", "float64", "Precipitation of the day before, millimetres."),
        optional("wind_1d_m_per_s", "float64", "Mean wind speed of the day before, metres per second."),
        optional("weather_1d", "string", "Weather of the day before."),
    ),
)

FEATURES = FeatureView(
    table="features",
    spine_table="forecast_days",
    entity="day_id",
    decision_sql="event_time + INTERVAL 6 HOUR",
    sql="features.sql",
    inputs=(
        FeatureInput(
            name="history",
            table="observations",
            cut="partition",
            columns=(
                "partition",
                "precipitation_mm",
                "temperature_max_c",
                "temperature_min_c",
                "wind_m_per_s",
                "weather",
            ),
            lookback_days=28,
        ),
    ),
)

LABEL = Label(
    table="observations",
    entity="day_id",
    expression="temperature_max_c",
    description="Highest temperature of the day, degrees Celsius.",
    unit="°C",
)

MODEL = Model(
    kind="regression",
    family="ridge",
    factory="usecases.seattle_weather.model:pipeline",
    params={"alpha": 3.0},
    numeric=(
        "season_sine",
        "season_cosine",
        "temperature_max_1d_c",
        "temperature_min_1d_c",
        "temperature_max_mean_7d_c",
        "temperature_max_mean_28d_c",
        "precipitation_1d_mm",
        "wind_1d_m_per_s",
    ),
    categorical=("weather_1d",),
    baseline_by=("month",),
    slices=("weather_1d",),
    validation_days=10,
    minimum_rows=15,
)

USECASE = UseCase(
    name="seattle_weather",
    title="Seattle's temperature",
    question="How warm will today be, asked at six in the morning?",
    owner="data-engineer",
    timezone="America/Los_Angeles",
    calendar=Calendar(first="2012-01-01", last="2015-12-31"),
    tables=(FORECAST_DAYS, OBSERVATIONS, FEATURES_TABLE),
    datasets=(DAILY,),
    features=FEATURES,
    label=LABEL,
    model=MODEL,
    search=SEARCH,
    gate=Gate(metric="mae"),
    monitoring=Monitoring(
        # One row a day. No drift of what moves with the season, which would be an alert each spring.
        minimum_rows=20,
        # A ridge trained each month stays below 3.5 on every 28 days of 2012 to 2015.
        limits=(Limit(measure="mae", maximum=4.0, reason="The forecasts are several degrees off."),),
        retraining=Retraining(on=("mae",), reason="The forecasts no longer follow the weather:"),
    ),
    report=Report(
        title="Seattle's temperature",
        entity_plural="days",
        event="highest temperature",
        dimensions=("weather_1d",),
    ),
    proof=PROOF,
    feature_tests=("tests/usecases/test_seattle_weather.py",),
    selection=SELECTION,
    exporter="usecases.seattle_weather.upstream:export",
    folder=Path(__file__).parent,
)
