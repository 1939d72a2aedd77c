"""The log as this module reads it is the log as the Delta library reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from catena.lake.log import UnreadableLog, read_log

DAYS = [f"2013-01-{day:02d}" for day in range(1, 24)]
CHECKPOINT = 19


@pytest.fixture
def table(lake, rows, run) -> DeltaTable:
    """Return a table of 23 commits, the first of its days written twice; the library put a checkpoint at version 19."""
    for day in DAYS:
        lake.overwrite("readings", rows(day, a=1.0), run=run, partitions=[day], inputs={day: 7})
    lake.overwrite("readings", rows(DAYS[0], a=2.0), run=run, partitions=[DAYS[0]], inputs={DAYS[0]: 8})
    return DeltaTable(lake.uri("readings"))


def log_folder(lake) -> Path:
    return Path(lake.uri("readings")) / "_delta_log"


def agrees(lake, table: DeltaTable) -> bool:
    log = read_log(lake.uri("readings"))
    assert log is not None
    said = {key: table.transaction_version(key) for key in log.transactions}
    assert len(said) == 2 * len(DAYS)
    return log.version == table.version() and log.transactions == said


def test_no_table_has_no_log(lake, tmp_path):
    """A folder that is absent, or empty, is no table."""
    (tmp_path / "empty").mkdir()
    assert read_log(lake.uri("readings")) is None
    assert read_log(str(tmp_path / "empty")) is None


def test_checkpoint_and_later_commits_are_one_log(lake, table):
    """Later commits overrule the checkpoint; both agree with the library, transaction by transaction."""
    assert json.loads((log_folder(lake) / "_last_checkpoint").read_text())["version"] == CHECKPOINT
    assert agrees(lake, table)
    assert read_log(lake.uri("readings")).transactions[f"inputs/{DAYS[0]}"] == 8


def test_log_without_checkpoint_is_read_from_its_first_commit(lake, table):
    """The hint at a checkpoint is optional: without it all commits are read."""
    (log_folder(lake) / "_last_checkpoint").unlink()
    assert agrees(lake, table)


def test_checkpoint_in_parts_is_read_whole(lake, table):
    """Other engines write a checkpoint in numbered parts."""
    folder = log_folder(lake)
    single = folder / f"{CHECKPOINT:020d}.checkpoint.parquet"
    entries = pq.read_table(single)
    for number, (start, length) in enumerate(((0, 5), (5, len(entries))), start=1):
        pq.write_table(
            entries.slice(start, length), folder / f"{CHECKPOINT:020d}.checkpoint.{number:010d}.{2:010d}.parquet"
        )
    single.unlink()
    hint = folder / "_last_checkpoint"
    hint.write_text(json.dumps(json.loads(hint.read_text()) | {"parts": 2}))
    assert agrees(lake, DeltaTable(lake.uri("readings")))


def test_checkpoint_that_is_not_there_is_named(lake, table):
    """A log that lacks its checkpoint is not taken for a shorter one: identities would be missing."""
    (log_folder(lake) / f"{CHECKPOINT:020d}.checkpoint.parquet").unlink()
    with pytest.raises(UnreadableLog, match=r"version 19, but _delta_log/0+19\.checkpoint\.parquet is not there"):
        read_log(lake.uri("readings"))
