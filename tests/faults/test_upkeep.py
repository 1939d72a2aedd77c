"""A table of records is compacted and vacuumed, and this is killed, while one writes it and another reads it."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

TWO_HOURS = timedelta(hours=2).total_seconds()
TWO_HOURS_MS = int(TWO_HOURS * 1000)
# From the start of the upkeep to its second turn, seconds, and the first moments of its work.
ANYWHERE, AT_ONCE = 0.5, 0.08


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
    assert reader.wait() == 0, reader.error or reader.stderr()
    ground.publish(told[third + turns * size :])
    ground.drain()
    assert compacted > 1
    assert vacuumed > 0
    assert reader.outcomes[-1]["reads"] > 1
    ground.assert_whole()


def leave_behind(table: Path, name: str, number: int, age_s: float = 0) -> None:
    """Put files there that belong to no version, as a writer leaves them that was killed before its commit."""
    found = min(table.glob("partition=*/*.parquet"))
    for each in range(number):
        copy = found.with_name(f"part-{name}-{each}.parquet")
        shutil.copyfile(found, copy)
        os.utime(copy, (time.time() - age_s,) * 2)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(
    ("usual", "full", "latest"), [(4, 20, ANYWHERE), (6, 60, AT_ONCE)], ids=["at random", "in a tight loop"]
)
def test_killed_upkeep_costs_nothing(ground_of, tmp_path, rounds, usual, full, latest):
    """Whenever it is killed, who writes and who reads goes on; the next one finishes and deletes what it may.

    Each has files to compact, for the writer's batches are small, and files of killed writers to delete.
    """
    ground = ground_of("weather")
    told = ground.told("2013-02-01", "2013-02-03", shuffle=True, duplicate=0.05)
    wanted, chance = int(rounds(usual, full)), random.Random(latest)
    half = len(told) // 2
    ground.publish(told[:half])
    ground.drain(batch=4)
    lake = ground.workspace().lake(ground.usecase)
    table = Path(lake.uri("events_weather"))
    version, rows = lake.version("events_weather"), lake.read("events_weather")

    until = tmp_path / "until"
    writer = ground.start_drain(batch=3, until=str(until))
    reader = ground.start_working("read", until=str(until), table="events_weather")
    size = -(-half // wanted)
    for turn in range(wanted):
        leave_behind(table, f"old-{turn}", 25, TWO_HOURS)
        ground.publish(told[half + turn * size : half + (turn + 1) * size])
        upkeep = ground.start_working("maintain", is_once=False)
        upkeep.wait_begun()
        time.sleep(chance.uniform(0, latest))
        upkeep.kill()
        assert upkeep.wait() == -9, upkeep.error or upkeep.stderr()
    until.touch()
    assert writer.wait() == 0, writer.error or writer.stderr()
    assert reader.wait() == 0, reader.error or reader.stderr()
    assert reader.outcomes[-1]["reads"] > 1
    ground.publish(told[half + wanted * size :])
    ground.drain()
    # None of them has deleted what was replaced within the hour.
    assert lake.read("events_weather", version=version).equals(rows)

    # Two hours later. Without checkpoints, which would tell the time of the removals as it was.
    for summed_up in [*table.glob("_delta_log/*.checkpoint.parquet"), *table.glob("_delta_log/_last_checkpoint")]:
        summed_up.unlink()
    age(table)
    for file in table.glob("partition=*/*"):
        os.utime(file, (time.time() - TWO_HOURS,) * 2)
    leave_behind(table, "young", 2)
    before = lake.open("events_weather").file_uris()
    upkeep = ground.start_working("maintain", is_once=True)
    assert upkeep.wait() == 0, upkeep.error or upkeep.stderr()
    assert upkeep.outcomes[0]["conflicts"] == []
    # This one's own compaction has replaced files, of which the hour begins only now.
    needed = {Path(uri).name for uri in before + lake.open("events_weather").file_uris()}
    assert {file.name for file in table.glob("partition=*/*")} == needed | {f"part-young-{n}.parquet" for n in range(2)}
    ground.assert_whole()
