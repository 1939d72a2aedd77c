"""The tables of logs: records and the log's position are one commit, and no record is written twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from catena.declared import declared_usecase
from catena.lake import EventTable, Lake, Position, arrow_schema, lake_tables
from catena.run import Run

USECASE = declared_usecase("flight_delays")
NAME = USECASE.stream("weather").table
LOG, NEXT_LOG = "weather@2013-01-01:0", "weather@2013-02-01:0"
RUN = Run("flight_delays", "stream", "run-1", code_version="test")
AT = datetime(2013, 2, 1, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path), lake_tables(USECASE))


def rows(lake: Lake, *offsets: int, day: str = "2013-02-01", log: str = LOG) -> pa.Table:
    records = [
        {"partition": day, "log": log.rpartition(":")[0], "log_partition": 0, "log_offset": offset,
         "standing": "on_time", "stored_at": AT, "landed_at": AT}
        for offset in offsets
    ]  # fmt: skip
    return pa.Table.from_pylist(records, schema=arrow_schema(lake.tables[NAME]))


def test_an_append_and_its_position_are_one_commit(lake):
    """The version that holds the rows holds the position and the watermark, and says from where to where it goes."""
    table = EventTable(lake, NAME)
    assert table.positions([LOG]) == {LOG: Position(None, None)}
    assert table.append(rows(lake, 1, 2), RUN, LOG, None, Position(3, 77))
    [commit, _] = lake.history(NAME)
    assert json.loads(commit["catena.details"]) == {"log": LOG, "from_offset": None, "next_offset": 3}
    assert lake.version(NAME) == 1
    # Another process sees both or neither.
    assert EventTable(Lake(lake.root, lake.tables.values()), NAME).positions([LOG]) == {LOG: Position(3, 77)}
    assert table.known_logs() == [LOG]


def test_a_batch_at_an_outdated_position_is_refused(lake):
    """Whoever read at a position that has moved writes nothing, at the log's beginning and later; nor backwards."""
    first, second = EventTable(lake, NAME), EventTable(Lake(lake.root, lake.tables.values()), NAME)
    assert first.append(rows(lake, 1, 2), RUN, LOG, None, Position(3, 1))
    assert not second.append(rows(lake, 1), RUN, LOG, None, Position(2, 1))
    assert second.append(rows(lake, 3), RUN, LOG, 3, Position(4, 2))
    assert not first.append(rows(lake, 3, 4), RUN, LOG, 3, Position(5, 2))
    assert not first.append(rows(lake, 2), RUN, LOG, 2, Position(3, 2))
    assert lake.read(NAME)["log_offset"].to_pylist() == [1, 2, 3]
    assert first.positions([LOG])[LOG] == Position(4, 2)


def test_two_writers_from_one_version_cannot_both_commit(lake):
    """The commit itself refuses the second of two that saw the same position: the check before it is only quicker."""
    table, racing = EventTable(lake, NAME), EventTable(Lake(lake.root, lake.tables.values()), NAME)
    table.append(rows(lake, 1), RUN, LOG, None, Position(2, 1))
    # The other writer's turn comes after this one has looked at the position and before it commits.
    opened = lake.open_checked
    won = []

    def overtaken(name: str, version: int):
        found = opened(name, version)
        if not won:
            won.append(racing.append(rows(lake, 2), RUN, LOG, 2, Position(3, 1)))
        return found

    lake.open_checked = overtaken
    assert not table.append(rows(lake, 2), RUN, LOG, 2, Position(3, 1))
    assert won == [True]
    assert lake.read(NAME)["log_offset"].to_pylist() == [1, 2]


def test_another_incarnation_of_a_log_begins_at_its_own_beginning(lake):
    """A log that was made anew has other records at the same offsets: both are kept, each with its position."""
    table = EventTable(lake, NAME)
    table.append(rows(lake, 1, 2), RUN, LOG, None, Position(3, 1))
    assert table.positions([NEXT_LOG])[NEXT_LOG] == Position(None, None)
    assert table.append(rows(lake, 1, log=NEXT_LOG), RUN, NEXT_LOG, None, Position(2, 9))
    assert table.positions([LOG, NEXT_LOG]) == {LOG: Position(3, 1), NEXT_LOG: Position(2, 9)}
    assert table.known_logs() == [LOG, NEXT_LOG]
    assert lake.read(NAME).num_rows == 3


def test_what_was_merged_is_not_merged_again(lake):
    """Days are unmerged from the commit that brings them until a merge is recorded, also where commits come between."""
    table = EventTable(lake, NAME)
    assert table.unmerged() == (-1, [])
    table.append(rows(lake, 1), RUN, LOG, None, Position(2, 1))
    version, days = table.unmerged()
    assert days == ["2013-02-01"]
    table.append(rows(lake, 2, day="2013-02-02"), RUN, LOG, 2, Position(3, 1))
    table.record_merged(version, RUN)
    version, days = table.unmerged()
    assert days == ["2013-02-02"]
    table.record_merged(version, RUN)
    assert table.unmerged()[1] == []
    # Recording that brings no version that would have to be merged, however often.
    table.record_merged(table.unmerged()[0], RUN)
    assert table.unmerged()[1] == []
    for at in range(3, 30):
        table.append(rows(lake, at, day="2013-02-03"), RUN, LOG, at, Position(at + 1, 1))
    assert table.unmerged()[1] == ["2013-02-03"]


def test_what_lands_while_a_merge_is_recorded_is_still_to_be_merged(lake):
    """Two writers: a batch that lands between the look at the log and the record of the merge is not passed over."""
    table, racing = EventTable(lake, NAME), EventTable(Lake(lake.root, lake.tables.values()), NAME)
    table.append(rows(lake, 1), RUN, LOG, None, Position(2, 1))
    version, _ = table.unmerged()
    opened, landed = lake.open, []

    def overtaken(name: str, at: int | None = None):
        if not landed:
            landed.append(racing.append(rows(lake, 2, day="2013-02-02"), RUN, LOG, 2, Position(3, 1)))
        return opened(name, at)

    lake.open = overtaken
    table.record_merged(version, RUN)
    assert landed == [True]
    assert table.unmerged()[1] == ["2013-02-02"]


def test_days_of_which_late_events_count(lake):
    """They are remembered by day, and telling them again makes no version."""
    table = EventTable(lake, NAME)
    assert table.days_with_late() == set()
    table.append(rows(lake, 1), RUN, LOG, None, Position(2, 1))
    table.admit_late(["2013-02-01"], RUN)
    version = lake.version(NAME)
    table.admit_late(["2013-02-01"], RUN)
    assert (table.days_with_late(), lake.version(NAME)) == ({"2013-02-01"}, version)
    assert table.positions([LOG])[LOG] == Position(2, 1)
