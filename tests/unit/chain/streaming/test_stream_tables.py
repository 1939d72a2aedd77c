"""The table of a stream beside other writers, and what it tells of how the stream is doing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from catena.chain.streaming.lag import lags_of, lags_of_stream
from catena.chain.streaming.landing import Limits, NoZone, land_stream
from catena.chain.streaming.status import stream_statuses
from catena.lake import EventTable, Position, arrow_schema
from catena.streams import Batch, OffsetAhead
from catena.streams.jetstream import JetStreamLog

LOG = "flight_delays.weather@made:0"
NOW = datetime(2013, 1, 5, tzinfo=UTC)


@pytest.fixture
def lake(workspace, usecase):
    return workspace.lake(usecase)


@pytest.fixture
def table(lake):
    return EventTable(lake, "events_weather")


def rows(lake, day, *offsets, standing="on_time", seconds=1.0):
    told = [
        {"partition": day, "log": "flight_delays.weather@made", "log_partition": 0, "log_offset": offset,
         "standing": standing, "stored_at": NOW, "landed_at": NOW + timedelta(seconds=seconds)}
        for offset in offsets
    ]  # fmt: skip
    return pa.Table.from_pylist(told, schema=arrow_schema(lake.tables["events_weather"]))


def test_what_lands_while_a_merge_is_recorded_is_merged_next(table, lake, run, monkeypatch):
    """A batch that another writer commits at the very moment in which a merge is recorded is not taken for merged."""
    assert table.append(rows(lake, "2013-01-01", 1), run, LOG, None, Position(2, None))
    version, days = table.unmerged()
    assert days == ["2013-01-01"]
    read = lake.read

    def read_beside_a_writer(*arguments, **options):
        monkeypatch.undo()
        assert table.append(rows(lake, "2013-01-02", 2), run, LOG, 2, Position(3, None))
        return read(*arguments, **options)

    monkeypatch.setattr(lake, "read", read_beside_a_writer)
    table.record_merged(version, run)
    assert table.unmerged()[1] == ["2013-01-02"]


def test_a_gap_is_skipped_once(table, lake, run):
    """Skipping moves the position without rows, keeps the watermark, and fails where somebody else moved it."""
    assert table.append(rows(lake, "2013-01-01", 1), run, LOG, None, Position(2, 77))
    assert table.skip(run, LOG, 2, 9, "files are loaded")
    assert table.positions([LOG]) == {LOG: Position(9, 77)}
    assert not table.skip(run, LOG, 2, 12, "again")
    assert table.positions([LOG]) == {LOG: Position(9, 77)}
    assert lake.read("events_weather").num_rows == 1
    assert not table.append(rows(lake, "2013-01-01", 2), run, LOG, 2, Position(3, 77))


def test_the_newest_commits_are_told_alone(table, lake, run):
    """Records of older commits do not count, also where they lie in the same day."""
    for offset, seconds in ((1, 500.0), (2, 600.0), (3, 10.0)):
        batch = rows(lake, "2013-01-01", offset, seconds=seconds)
        stamped = batch.set_column(batch.schema.get_field_index("landed_at"), "landed_at", pa.array([now()], at_type()))
        assert table.append(stamped, run, LOG, None if offset == 1 else offset, Position(offset + 1, None))
    assert table.newest(1, ["log_offset"])["log_offset"].to_pylist() == [3]
    assert sorted(table.newest(2, ["log_offset"])["log_offset"].to_pylist()) == [2, 3]
    assert table.newest(50, ["log_offset"]).num_rows == 3


def test_late_and_dead_records_are_counted(table, lake, run):
    """A table that does not exist counts none; otherwise each record counts by its standing."""
    assert (table.count("late"), table.newest(5, ["stored_at"]).num_rows) == (0, 0)
    for offset, standing in ((1, "late"), (2, "dead"), (3, "on_time"), (4, "late")):
        batch = rows(lake, "2013-01-01", offset, standing=standing)
        assert table.append(batch, run, LOG, None if offset == 1 else offset, Position(offset + 1, None))
    assert (table.count("late"), table.count("dead")) == (2, 1)


def test_a_record_that_waits_too_long_is_an_alarm(workspace, usecase, replay):
    """A stream is behind once its oldest waiting record is older than the declared limit, and not before."""
    replay("2013-01-01", "2013-01-01")
    assert [status.is_behind for status in stream_statuses(workspace, usecase)] == [False, False]
    flights, weather = usecase.streams
    hasty = weather.model_copy(update={"lag_limit_minutes": 1e-6})
    strict = usecase.model_copy(update={"streams": (flights, hasty)})
    assert [status.is_behind for status in stream_statuses(workspace, strict)] == [False, True]


def now():
    return datetime.now(UTC)


def at_type():
    return pa.timestamp("us", tz="UTC")


def test_a_record_that_nobody_hands_out_has_no_age(workspace, usecase, replay, monkeypatch):
    """Where the broker says that records wait and gives none, their age is unknown, and not nought."""
    replay("2013-01-01", "2013-01-01")
    assert [lag.age_s is None for lag in lags_of(workspace, usecase)] == [False, False]
    monkeypatch.setattr(JetStreamLog, "read", lambda self, partition, start, limit, timeout: Batch((), start))
    found = lags_of(workspace, usecase)
    assert [lag.age_s for lag in found] == [None, None]
    assert all(lag.records > 0 and not lag.fault for lag in found)
    assert [status.is_behind for status in stream_statuses(workspace, usecase)] == [None, None]


def test_a_log_that_lost_what_was_read_is_no_idle_one(workspace, usecase, run, replay, lake):
    """A log that ends before what its table holds is an error: what it stores next would be taken for read."""
    replay("2013-01-01", "2013-01-01")
    weather = usecase.stream("weather")
    land_stream(workspace, usecase, weather, run, Limits())
    [source] = EventTable(lake, weather.table).known_logs()
    stands = EventTable(lake, weather.table).positions([source])[source].next_offset
    assert EventTable(lake, weather.table).skip(run, source, stands, stands + 3, "as if the broker had lost three")
    with pytest.raises(OffsetAhead, match=f"the log ends at offset {stands}"):
        land_stream(workspace, usecase, weather, run, Limits())
    [lag] = lags_of_stream(workspace, usecase, weather)
    assert f"the log ends at offset {stands}" in lag.fault


def test_a_start_holds_for_a_log_that_was_never_read(workspace, usecase, run, replay, lake, caplog):
    """A start after all that is there is kept, so that the next run without one reads nothing older; later it is told.

    A time without a zone is refused, by name.
    """
    replay("2013-01-01", "2013-01-01")
    weather = usecase.stream("weather")
    with pytest.raises(NoZone, match="2030-01-01T00:00:00 names no zone"):
        Limits(start_at=datetime(2030, 1, 1))  # noqa: DTZ001 - the very thing
    for _ in range(2):
        later = Limits(start_at=datetime.now(UTC) + timedelta(hours=1))
        assert land_stream(workspace, usecase, weather, run, later).records == 0
    assert "it holds 67 of them" in caplog.text
    assert "holds only for a log that was never read" in caplog.text
    assert land_stream(workspace, usecase, weather, run, Limits()).records == 0
    assert lake.read(weather.table).num_rows == 0
    flights = usecase.stream("flights")
    early = Limits(start_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert land_stream(workspace, usecase, flights, run, early).records > 800
