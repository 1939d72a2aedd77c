"""Two processes that drain one log at once: the table takes each record from one of them."""

from __future__ import annotations

import time

import pytest

import catena.lake.events
from catena.chain.streaming.landing import Limits, land_stream
from catena.run import Run

pytestmark = pytest.mark.faults


@pytest.mark.timeout(600)
def test_two_writers_from_one_offset_make_no_duplicate(ground_of, tmp_path, rounds):
    """Both read the same position and append at once: one wins and the other notes a conflict and goes on behind it.

    They meet before their first append of each round; then they race as they come, to the clean tables as well.
    """
    ground = ground_of("weather")
    told = ground.told("2013-02-01", "2013-02-02", shuffle=True, duplicate=0.05)
    number = int(rounds(1, 12))
    size = -(-len(told) // number)
    conflicts = 0
    for turn in range(number):
        ground.publish(told[turn * size : (turn + 1) * size])
        meeting = tmp_path / f"meeting-{turn}"
        meeting.mkdir()
        both = [ground.start_working("drain", batch=10, meet=[str(meeting), 2]) for _ in range(2)]
        assert [process.wait() for process in both] == [0, 0], [process.error for process in both]
        found = [process.outcomes[0]["weather"]["conflicts"] for process in both]
        assert sum(found) >= 1
        conflicts += sum(found)
        ground.assert_whole()
    assert conflicts >= number


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_killed", [False, True], ids=["it goes on", "it is killed"])
def test_merge_of_older_records_does_not_come_last(ground_of, tmp_path, is_killed):
    """While one that merges is held up with what it has read, another one does not overtake it.

    Else the rows of the older records would be written over those of the newer ones, and stay there if the first one
    were killed before its end.
    """
    ground = ground_of("weather")
    told = ground.told("2013-02-01", "2013-02-01")
    ground.publish(told[:30])
    begun, go = tmp_path / "begun", tmp_path / "go"
    first = ground.start_drain(batch=50, wait_merging=[str(begun), str(go)])
    while not begun.exists():
        time.sleep(0.01)
    ground.publish(told[30:])
    second = ground.start_drain(batch=50)
    # Long enough for one who does not wait.
    time.sleep(1.5)
    if is_killed:
        first.kill()
    go.touch()
    assert [first.wait(), second.wait()] == [-9 if is_killed else 0, 0], [first.error, second.error]
    ground.assert_whole()


def test_record_that_comes_while_a_merge_is_noted_is_merged_next(ground_of, monkeypatch):
    """What is appended between a merge and the commit that notes it does not count as merged."""
    ground = ground_of("weather")
    told = ground.told("2013-02-01", "2013-02-01")
    ground.publish(told[:30])
    append, noted = catena.lake.events.append_rows, []

    def appended(delta, rows, metadata, transactions):
        if [transaction.app_id for transaction in transactions] == ["merged"] and not noted:
            noted.append(True)
            ground.publish(told[30:])
            run = Run("flight_delays", "stream", "between", code_version="test")
            land_stream(ground.workspace(), ground.usecase, ground.usecase.streams[0], run, Limits())
        return append(delta, rows, metadata, transactions)

    monkeypatch.setattr(catena.lake.events, "append_rows", appended)
    ground.drain()
    assert noted
    ground.drain()
    ground.assert_whole()
