"""From records to rows, and of several versions of an event the one that counts, whatever the batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catena.chain.streaming.merge import newest_events, told_by
from catena.chain.streaming.rows import Decoder, rows_of
from catena.declared import declared_usecase
from catena.lake import arrow_schema, lake_tables
from catena.run import Run
from catena.streams import Batch, Codec, Event, Record
from usecases.flight_delays.history import flight_events

USECASE = declared_usecase("flight_delays")
DAY = "2013-02-01"
TABLES = {table.name: table for table in lake_tables(USECASE)}
RUN = Run("flight_delays", "stream", "run-1", code_version="test")
NOON = datetime(2013, 2, 1, 12, tzinfo=UTC)
STORED_AT = datetime(2013, 3, 1, tzinfo=UTC)
FLIGHT = {
    "carrier": "UA", "flight": "1545", "origin": "EWR", "dest": "IAH", "tailnum": "N14228", "hour": "5",
    "minute": "15", "time_hour": "2013-02-01T10:00:00Z", "sched_arr_time": "819", "distance": "1400",
    "dep_delay": "2", "arr_delay": "11", "air_time": "227",
}  # fmt: skip


def weather(known_at, *, hour=0, origin="EWR", **values):
    """Return what the service tells of an hour."""
    observed_at = NOON + timedelta(hours=hour)
    names = ("temperature_f", "dew_point_f", "humidity_pct", "wind_direction_deg", "wind_speed_mph", "wind_gust_mph",
             "precipitation_in", "pressure_mbar", "visibility_miles")  # fmt: skip
    data = {"origin": origin, "partition": DAY, **dict.fromkeys(names), **values}
    return Event("weather.observed", 1, f"weather.observed/{origin}/{hour}", observed_at, known_at, origin, data)


def landed(told, cuts=(), stream="weather"):
    """Return the rows of a log that holds these, read in batches that are cut after the given offsets."""
    declared = USECASE.stream(stream)
    codec = Codec(declared, USECASE.folder)
    decoder, schema = Decoder(codec, declared, USECASE.calendar), arrow_schema(TABLES[declared.table])
    values = [each if isinstance(each, bytes) else codec.encode(each) for each in told]
    records = [Record(0, at, f"{at}", "key", value, STORED_AT) for at, value in enumerate(values, 1)]
    watermark, rows = None, []
    bounds = [0, *sorted(set(cuts)), len(records)]
    for first, last in pairwise(bounds):
        part, watermark = rows_of(
            Batch(tuple(records[first:last]), last + 1), "weather@one:0", decoder, schema, watermark
        )
        rows += part.drop_columns(["landed_at"]).to_pylist()
    return rows, watermark


def test_lateness_at_the_limit():
    """Six hours behind the newest event is on time, a second more is late; a late event moves no watermark back."""
    told = [weather(NOON), weather(NOON - timedelta(hours=6)), weather(NOON - timedelta(hours=6, seconds=1))]
    rows, watermark = landed([*told, b"{", weather(NOON + timedelta(seconds=1)), weather(NOON - timedelta(hours=6))])
    assert [row["standing"] for row in rows] == ["on_time", "on_time", "late", "dead", "on_time", "late"]
    assert watermark == int((NOON + timedelta(seconds=1)).timestamp() * 1e6)


@settings(max_examples=40)
@given(
    hours=st.lists(st.one_of(st.integers(-30, 30), st.just(None)), min_size=1, max_size=25),
    cuts=st.lists(st.integers(0, 25), max_size=5),
)
def test_lateness_depends_on_the_log_alone(hours, cuts):
    """Rows, their order and the watermark are the same however the log is cut into batches; dead letters too."""
    told = [b"\xff" if hour is None else weather(NOON + timedelta(hours=hour)) for hour in hours]
    cuts = [cut for cut in cuts if cut <= len(told)]
    assert landed(told, cuts) == landed(told)
    newest, standings = None, []
    for hour in hours:
        if hour is None:
            standings.append("dead")
            continue
        standings.append("late" if newest is not None and hour < newest - 6 else "on_time")
        newest = hour if newest is None else max(newest, hour)
    assert [row["standing"] for row in landed(told, cuts)[0]] == standings


def test_event_keeps_what_it_said_and_a_day_outside_is_dead():
    """Data are kept in one spelling; an event whose day lies outside the calendar is a dead letter with its bytes."""
    good = weather(NOON, temperature_f=39.02)
    stray = replace(good, data={**good.data, "partition": "2014-01-01"})
    [first, second], _ = landed([good, stray])
    assert first["data"].startswith('{"dew_point_f":null,"humidity_pct":null,"origin":"EWR","partition":"2013-02-01"')
    assert (first["event_time"], first["known_at"], first["stored_at"]) == (NOON, NOON, STORED_AT)
    assert (first["log"], first["log_partition"], first["log_offset"]) == ("weather@one", 0, 1)
    assert (second["standing"], second["fault"], second["partition"]) == ("dead", "day", "2013-03-01")
    assert '"2014-01-01"' in second["raw"]


def table_of(told, stream="weather"):
    import pyarrow as pa

    rows, _ = landed(told, stream=stream)
    schema = arrow_schema(TABLES[USECASE.stream(stream).table])
    return pa.Table.from_pylist([row | {"landed_at": STORED_AT} for row in rows], schema=schema)


def told(events, stream="weather", *, with_late=False):
    declared = USECASE.stream(stream)
    source = (declared, declared.feeds[0])
    return told_by(USECASE, source, table_of(events, stream), [DAY], run=RUN, with_late=with_late)


def test_the_version_that_was_known_last_wins_in_every_order():
    """Three versions of an hour, copies among them: the one that became known last is the row, whatever came first."""
    versions = [weather(NOON + timedelta(minutes=n), temperature_f=30.0 + n) for n in range(3)]
    found = [told([*order, order[0]]).clean["weather"].to_pylist() for order in permutations(versions)]
    assert [[row["temperature_f"] for row in rows] for rows in found] == [[32.0]] * 6


def test_versions_of_one_instant_that_contradict_each_other_are_both_taken_out():
    """Nobody can say which is true, so neither is published, as of two such lines in a file; another hour stays."""
    pair = [weather(NOON, temperature_f=value) for value in (30.0, 31.0)]
    found = [told([*order, weather(NOON, hour=1)]) for order in (pair, pair[::-1])]
    for each in found:
        assert each.clean["weather"].num_rows == 1
        assert each.quarantine["rules"].to_pylist() == ["unique(origin+time_hour)"] * 2
        accounting = each.accounting["weather"]
        assert (accounting.rows_in, accounting.rows_published, accounting.rows_quarantined) == (3, 1, 2)
    assert found[0].quarantine.equals(found[1].quarantine)


def test_a_row_that_a_rule_takes_out_stands_in_the_quarantine():
    """The impossible wind of February 2013 as an event: the row with its time is kept, with rule, value and source."""
    found = told([weather(NOON, wind_speed_mph=1048.36, temperature_f=30.0), weather(NOON, hour=1)])
    [row] = found.quarantine.to_pylist()
    assert (row["rules"], row["source_file"]) == ("between(wind_speed)", "stream weather")
    assert "1048.36" in row["reason"]
    assert "2013-02-01 12:00:00" in row["row"]
    assert found.clean["weather"].num_rows == 1


def test_late_events_count_only_where_they_are_asked_for():
    """The merge leaves them to the reconciliation; a late correction still wins there by its `known_at`."""
    late = weather(NOON, hour=-8)
    records = table_of([weather(NOON + timedelta(hours=9), hour=8), late])
    ids = [newest_events(records, [DAY], with_late=each)["event_id"].to_pylist() for each in (False, True)]
    assert ids == [["weather.observed/EWR/8"], ["weather.observed/EWR/-8", "weather.observed/EWR/8"]]


@pytest.mark.parametrize("outcome", range(3))
def test_a_flight_has_an_outcome_when_one_was_told(outcome):
    """Scheduled alone it is in `schedule`; each table accounts for the rows that have what it needs."""
    [scheduled, departed, arrived] = flight_events(DAY, FLIGHT)
    found = told([scheduled, departed, arrived][: outcome + 1], "flights")
    counts = {name: (each.rows_in, each.rows_published) for name, each in found.accounting.items()}
    assert counts == {"schedule": (1, 1), "outcomes": (int(outcome > 0),) * 2}
    assert found.quarantine.num_rows == 0


def test_a_time_after_its_storage_is_a_dead_letter_and_makes_nothing_late():
    """At the stream's 15 minutes an event counts and moves the watermark to its storage alone; a second more is dead.

    What follows is judged as if neither clock had been wrong: so the outcome is that of the log, whenever it is read.
    """
    edge = STORED_AT + timedelta(minutes=15)
    told = [weather(NOON), weather(edge, hour=1), weather(edge + timedelta(seconds=1), hour=2)]
    told += [
        weather(STORED_AT - timedelta(hours=6), hour=3),
        weather(STORED_AT - timedelta(hours=6, seconds=1), hour=4),
    ]
    rows, watermark = landed(told)
    assert [row["standing"] for row in rows] == ["on_time", "on_time", "dead", "on_time", "late"]
    assert watermark == int(STORED_AT.timestamp() * 1e6)
    assert (rows[2]["fault"], rows[2]["partition"]) == ("from_the_future", "2013-03-01")
    assert "2013-03-01T00:15:01+00:00" in rows[2]["reason"]
    assert "2013-03-01T00:00:00+00:00" in rows[2]["reason"]
    assert landed(told, cuts=(1, 2, 3, 4)) == (rows, watermark)


def test_a_flight_under_way_is_neither_diverted_nor_not():
    """Of a flight that left and has not landed nobody knows where it will; how it ended is known with its end."""
    [scheduled, departed, arrived] = flight_events(DAY, FLIGHT)
    [diverted] = flight_events(DAY, {**FLIGHT, "arr_delay": "NA", "air_time": "NA"})[2:]
    cancelled = flight_events(DAY, {**FLIGHT, "dep_delay": "NA", "arr_delay": "NA", "air_time": "NA"})
    ends = ([scheduled, departed], [scheduled, departed, arrived], [scheduled, departed, diverted], cancelled)
    found = [told(events, "flights").clean["outcomes"].to_pylist()[0] for events in ends]
    assert [row["is_diverted"] for row in found] == [None, False, True, False]
    assert [row["is_cancelled"] for row in found] == [False, False, False, True]
