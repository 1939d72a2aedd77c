"""A table of records is compacted and vacuumed while one writes it and another reads it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

TWO_HOURS_MS = int(timedelta(hours=2).total_seconds() * 1000)


def age(table: Path) -> int:
    """Make what was removed from the table until now look two hours older; return how many files these are.

    The library's vacuum goes by the time in the log, and no test waits for an hour.
    """
    aged = 0
    for commit in sorted((table / "_delta_log").glob("*.json")):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            if "remove" in line:
                line["remove"]["deletionTimestamp"] -= TWO_HOURS_MS
                aged += 1
        commit.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return aged


@pytest.mark.timeout(600)
def test_upkeep_beside_a_writer_and_a_reader_loses_nothing(ground_of, tmp_path, rounds):
    """With a retention of an hour neither who writes nor who reads meets an error, and every record stays.

    The files that vacuum removes are real: those of a compaction that is two hours old.
    """
    ground = ground_of("weather")
    told = ground.told("2013-02-01", "2013-02-03", shuffle=True, duplicate=0.05)
    third = len(told) // 3
    ground.publish(told[:third])
    ground.drain(batch=10)
    lake = ground.workspace().lake(ground.usecase)
    lake.open("events_weather").optimize.compact()
    assert age(Path(lake.uri("events_weather"))) > 0

    until = tmp_path / "until"
    writer = ground.start_drain(batch=5, until=str(until))
    reader = ground.start_working("read", until=str(until), table="events_weather")
    compacted = vacuumed = 0
    turns = int(rounds(6, 60))
    size = -(-2 * third // turns)
    for turn in range(turns):
        ground.publish(told[third + turn * size : third + (turn + 1) * size])
        # What was published is being drained, or about to be: the writer does nothing else.
        seen = len(writer.outcomes)
        while len(writer.outcomes) == seen and writer.code is None:
            writer.take()
        compacted += lake.open("events_weather").optimize.compact()["numFilesRemoved"]
        table = lake.open("events_weather")
        vacuumed += len(table.vacuum(retention_hours=1, dry_run=False, enforce_retention_duration=False))
        if turn % 3 == 2:
            table.create_checkpoint()
    until.touch()
    assert writer.wait() == 0, writer.error
    # What counts here is what it read: forked processes that read have been seen to abort after that, at their exit.
    assert reader.wait() in {0, -6}, reader.error or reader.stderr()
    assert reader.error is None
    ground.publish(told[third + turns * size :])
    ground.drain()
    assert compacted > 1
    assert vacuumed > 0
    assert reader.outcomes[-1]["reads"] > 1
    ground.assert_whole()
