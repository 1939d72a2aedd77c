"""The year 2013 told as events: complete, in order, and with the instants of the clean tables."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb
import pytest

from catena.declared import declared_usecase
from catena.streams import Codec
from usecases.flight_delays.history import history
from usecases.flight_delays.upstream import FLIGHT_DAY, WEATHER_DAY, days_of, flights_text, weather_text

USECASE = declared_usecase("flight_delays")
# The day of the summer time's beginning has its local hours 02:00 missing; the other begins the year.
DAYS = ("2013-01-01", "2013-03-10")


@pytest.fixture(scope="module")
def texts():
    return {"flights": (flights_text(), FLIGHT_DAY), "weather": (weather_text(), WEATHER_DAY)}


def clean_rows(texts, source: str, sql: str, day: str) -> dict:
    """Return what a clean table's own SQL makes of a day's file, by key."""
    text, places = texts[source]
    rows = "".join(days_of(text, places, day, day)[day])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_csv(io.StringIO(rows), na_values=["NA"]).create("file")
        connection.execute(
            f"CREATE VIEW rows AS SELECT *, '{day}' AS partition, true AS is_whole FROM (SELECT * REPLACE "
            f"(CAST(time_hour AS TIMESTAMPTZ) AS time_hour) FROM file)"
        )
        made = connection.sql(USECASE.sql(sql)).to_arrow_table().to_pylist()
    return {row.get("flight_id") or (row["origin"], row["event_time"]): row for row in made}


def test_new_years_day_is_told_whole():
    """842 flights: 4 cancelled, 7 diverted, so 838 left and 831 arrived; 67 hours of weather. Counted in the files."""
    told = Counter(event.type for event in history("2013-01-01", "2013-01-01"))
    assert told == {
        "flight.scheduled": 842, "flight.departed": 838, "flight.arrived": 831, "flight.cancelled": 4,
        "flight.diverted": 7, "weather.observed": 67,
    }  # fmt: skip


def test_events_come_in_the_order_in_which_they_became_known():
    """Over days, and over the night on which summer time begins, nothing comes before what was known earlier."""
    told = list(history("2013-03-08", "2013-03-12"))
    assert all(a.known_at <= b.known_at for a, b in pairwise(told))
    assert len({event.event_id for event in told}) == len(told)
    assert told[0].known_at == datetime(2013, 3, 7, 12, tzinfo=UTC)
    assert told == list(history("2013-03-08", "2013-03-12"))


def test_a_range_is_its_days(texts):
    """Days told together are the days told one by one, and each flight of the file is scheduled once."""
    together = {event.event_id for event in history("2013-01-30", "2013-02-01")}
    alone = [event.event_id for day in ("2013-01-30", "2013-01-31", "2013-02-01") for event in history(day, day)]
    assert together == set(alone)
    rows = [
        row for row in csv.DictReader(io.StringIO(texts["flights"][0]))
        if (row["month"], row["day"]) in {("1", "30"), ("1", "31"), ("2", "1")}
    ]  # fmt: skip
    assert sum("scheduled" in event_id for event_id in together) == len(rows)


@pytest.mark.parametrize("day", DAYS)
def test_flights_become_known_as_in_the_clean_tables(texts, day):
    """Rows of schedule and outcomes, made by their own SQL, hold what the events tell, at the same instants."""
    schedule = clean_rows(texts, "flights", "schedule.sql", day)
    outcomes = clean_rows(texts, "flights", "outcomes.sql", day)
    told = list(history(day, day))
    scheduled = {event.key: event for event in told if event.type == "flight.scheduled"}
    ended = {event.key: event for event in told if event.type.split(".")[1] in {"arrived", "cancelled", "diverted"}}
    assert scheduled.keys() == schedule.keys() == ended.keys() == outcomes.keys()
    for key, row in schedule.items():
        event = scheduled[key]
        assert (event.event_time, event.known_at) == (row["event_time"], row["known_at"])
        assert plain({**row, "event_time": None, "known_at": None}) == plain(event.data)
    for key, row in outcomes.items():
        event = ended[key]
        assert event.known_at == row["known_at"]
        assert (event.type == "flight.cancelled", event.type == "flight.diverted") == (
            row["is_cancelled"], row["is_diverted"],
        )  # fmt: skip
        told_of = plain(event.data)
        assert told_of == {name: value for name, value in plain(row).items() if name in told_of}
        for name in ("departed_at", "departure_delay_min", "arrival_delay_min", "air_time_min"):
            assert plain(row).get(name) == told_of.get(name)


@pytest.mark.parametrize("day", DAYS)
def test_weather_becomes_known_as_in_the_clean_table(texts, day):
    """The hours of a day have the values and instants of the clean table's own SQL."""
    rows = clean_rows(texts, "weather", "weather.sql", day)
    told = {(event.key, event.event_time): event for event in history(day, day) if event.type == "weather.observed"}
    assert told.keys() == rows.keys()
    for key, row in rows.items():
        assert told[key].known_at == row["known_at"] == row["event_time"] + timedelta(hours=1)
        assert plain(told[key].data) == plain({**row, "event_time": None, "known_at": None})


def plain(row: dict) -> dict:
    """Return the values that are there, times as text."""
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in row.items()
        if value is not None
    }


def test_each_event_keeps_its_schema():
    """A day of each kind of event, among them the day with the impossible wind, is written and read back."""
    codecs = {event.name: Codec(stream, USECASE.folder) for stream in USECASE.streams for event in stream.events}
    written = {event.type for event in history("2013-02-12", "2013-02-12") if codecs[event.type].encode(event)}
    assert len(written) == 6


def test_days_without_data_tell_nothing():
    """31 December has no weather, and a day outside the year nothing."""
    last = Counter(event.type.split(".")[0] for event in history("2013-12-31", "2013-12-31"))
    assert (last["flight"] > 0, last["weather"]) == (True, 0)
    assert list(history("2014-01-01", "2014-01-03")) == []
