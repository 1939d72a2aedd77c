"""Upkeep changes files and nothing else: rows, identities, positions and pinned versions stay."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catena.declaration import EventType, Feed, Stream
from catena.lake import EventTable, Lake, Plan, Position, VersionGone, arrow_schema, maintain_table
from catena.lake.standard import events_table
from catena.run import Run

DAY, NEXT = "2013-01-01", "2013-01-02"
STREAM = Stream(
    name="calls", description="Calls.", events=(EventType(name="call.made", version=1, description="A call."),),
    feeds=(Feed(dataset="calls", sql="none.sql"),),
)  # fmt: skip
LOG = "x.calls@1:0"


@pytest.fixture
def events(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (events_table(STREAM, "data-engineer"),))


def batch(first: int, count: int = 5, day: str = DAY) -> pa.Table:
    """Return records of a log from an offset on."""
    at = pa.scalar(0, pa.int64()).cast(pa.timestamp("us", "UTC")).as_py()
    records = [
        {"partition": day, "log": "x.calls@1", "log_partition": 0, "log_offset": offset, "standing": "on_time",
         "event_id": str(offset), "stored_at": at, "known_at": at, "landed_at": at}
        for offset in range(first, first + count)
    ]  # fmt: skip
    return pa.Table.from_pylist(records, schema=arrow_schema(events_table(STREAM, "data-engineer")))


def append(lake: Lake, run: Run, batches: int, *, first: int = 0, day: str = DAY) -> None:
    table = EventTable(lake, STREAM.table)
    for number in range(batches):
        start = first + 5 * number
        expected = None if start == 0 else start
        assert table.append(batch(start, day=day), run, LOG, expected, Position(start + 5, start))


def age(lake: Lake, name: str, hours: float) -> None:
    """Make all data files of a table look as old as this."""
    for file in Path(lake.uri(name)).rglob("*.parquet"):
        if "_delta_log" not in file.parts:
            os.utime(file, (time.time() - hours * 3600,) * 2)


def test_transactions_rows_and_identities_survive(lake, rows, run):
    """Compaction, checkpoint and vacuum keep every row, every application transaction, and with it every identity."""
    shared = [{"partition": DAY, "dataset": f"d{n}", "row_id": "1"} for n in range(9)]
    for row in shared:
        part = pa.Table.from_pylist([row], schema=arrow_schema(lake.tables["refused"]))
        lake.overwrite("refused", part, run=run, partitions=[DAY], within={"dataset": row["dataset"]})
    for n in range(9):
        lake.append_once("readings", rows(DAY, **{f"s{n}": float(n)}), run=run, delivery=f"{DAY}/{n}", details={})
    for name in ("refused", "readings"):
        before, known = lake.read(name), lake.log(name).transactions
        assert len(known) == 9
        done = maintain_table(lake, name, run, Plan())
        assert (done.files_before, done.files_after, done.compacted) == (9, 1, (DAY,))
        assert done.version_after == done.version_before + 1
        assert done.bytes_after < done.bytes_before
        assert lake.log(name).transactions == known
        assert lake.log(name).checkpoint == done.version_after
        assert lake.read(name).equals(before)
    # What stands there is known again: neither the same delivery nor the same content makes a version.
    version = lake.version("readings")
    again = lake.append_once("readings", rows(DAY, s3=3.0), run=run, delivery=f"{DAY}/3", details={})
    assert (again.is_changed, lake.version("readings")) == (False, version)
    part = pa.Table.from_pylist(shared[:1], schema=arrow_schema(lake.tables["refused"]))
    written = lake.overwrite("refused", part, run=run, partitions=[DAY], within={"dataset": "d0"})
    assert not written.is_changed


def test_only_crowded_partitions_are_rewritten_and_only_once(lake, rows, run):
    """A partition with few files, and a table that is in order, is left alone: a second night makes no version."""
    for n in range(8):
        lake.append_once("readings", rows(DAY, **{f"s{n}": 1.0}), run=run, delivery=f"{DAY}/{n}", details={})
    lake.append_once("readings", rows(NEXT, a=1.0), run=run, delivery=NEXT, details={})
    done = maintain_table(lake, "readings", run, Plan(retention_hours=1))
    assert (done.compacted, done.files_after) == ((DAY,), 2)
    again = maintain_table(lake, "readings", run, Plan(retention_hours=1))
    assert (again.is_changed, again.is_checkpointed, again.version_after) == (False, False, done.version_after)
    assert maintain_table(lake, "stations", run, Plan()) is None


def test_old_versions_stay_where_nothing_says_otherwise(lake, rows, run):
    """Without a retention every past version can be read after any number of nights: evidence stays."""
    for n in range(9):
        lake.append_once("readings", rows(DAY, **{f"s{n}": 1.0}), run=run, delivery=f"{DAY}/{n}", details={})
    lake.overwrite("readings", rows(DAY, a=1.0), run=run, partitions=[DAY])
    age(lake, "readings", 24 * 400)
    for _ in range(2):
        maintain_table(lake, "readings", run, Plan())
    versions = range(1, lake.version("readings") + 1)
    assert [lake.read("readings", version=version).num_rows for version in versions][:10] == [*range(1, 10), 1]


def test_vacuum_spares_the_young_and_takes_the_leavings_of_the_dead(events, run):
    """What was replaced within the retention stays readable; later it goes, with files that were never committed."""
    append(events, run, 9)
    root, name = Path(events.uri(STREAM.table)), STREAM.table
    (root / f"partition={DAY}" / "killed.parquet").write_bytes(b"half a file")
    age(events, name, 2)
    (root / f"partition={DAY}" / "being-written.parquet").write_bytes(b"half a file")
    done = maintain_table(events, name, run, Plan(retention_hours=1))
    # Just replaced, however old the files are: a reader may be at them.
    assert (done.files_after, done.deleted_files) == (1, 1)
    assert events.read(name, version=5).num_rows == 25
    assert (root / f"partition={DAY}" / "being-written.parquet").exists()
    known = events.log(name).transactions
    late = maintain_table(events, name, run, Plan(retention_hours=0))
    assert late.deleted_files == 10
    # Once gone, it is not deleted again every night.
    assert maintain_table(events, name, run, Plan(retention_hours=0)).deleted_files == 0
    assert events.log(name).transactions == known
    assert events.read(name).num_rows == 45
    with pytest.raises(VersionGone, match=r"version 5.*CATENA_VACUUM_RETENTION_HOURS"):
        events.read(name, version=5)


def test_what_is_to_merge_is_not_confused(events, run):
    """Upkeep between landing and merging, or after it, neither hides days with new records nor names others."""
    table, name = EventTable(events, STREAM.table), STREAM.table
    append(events, run, 9)
    version, days = table.unmerged()
    assert days == [DAY]
    maintain_table(events, name, run, Plan(retention_hours=1))
    assert table.unmerged()[1] == [DAY]
    # A merge that began before the upkeep says what it saw.
    table.record_merged(version, run)
    assert table.unmerged()[1] == []
    append(events, run, 9, first=45, day=NEXT)
    maintain_table(events, name, run, Plan(retention_hours=1))
    version, days = table.unmerged()
    assert days == [NEXT]
    table.record_merged(version, run)
    assert table.unmerged()[1] == []
    assert table.positions([LOG])[LOG] == Position(90, 85)


def test_beside_a_writer_and_a_reader(events, run):
    """While upkeep runs, each record is appended once, the reader sees whole batches, and nothing is lost."""
    table, name, stop = EventTable(events, STREAM.table), STREAM.table, threading.Event()
    append(events, run, 1)
    faults: list[BaseException] = []

    def write() -> None:
        start = 5
        while not stop.is_set():
            if table.append(batch(start), run, LOG, start, Position(start + 5, start)):
                start += 5

    def read() -> None:
        while not stop.is_set():
            offsets = events.read(name)["log_offset"].to_pylist()
            assert offsets == list(range(len(offsets)))
            assert len(offsets) % 5 == 0

    def guarded(work):
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (write, read, read)]
    for thread in threads:
        thread.start()
    nights = []
    until = time.monotonic() + 4
    while time.monotonic() < until:
        nights.append(maintain_table(events, name, run, Plan(retention_hours=1, small_files=2)))
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    offsets = events.read(name)["log_offset"]
    assert pc.count_distinct(offsets).as_py() == len(offsets) == table.positions([LOG])[LOG].next_offset
    assert sum(bool(night.compacted) for night in nights) >= 3


def test_a_faster_writer_is_no_failure(lake, rows, run, monkeypatch):
    """Where a writer replaces the files that are being compacted, the outcome says so, and the next night does it."""
    for n in range(9):
        lake.append_once("readings", rows(DAY, **{f"s{n}": 1.0}), run=run, delivery=f"{DAY}/{n}", details={})
    opened = lake.open

    def overtaken(name, version=None):
        delta = opened(name, version)
        monkeypatch.setattr(lake, "open", opened)
        lake.overwrite("readings", rows(DAY, a=1.0), run=run, partitions=[DAY])
        return delta

    monkeypatch.setattr(lake, "open", overtaken)
    done = maintain_table(lake, "readings", run, Plan())
    assert done.conflict
    assert (done.compacted, done.files_after) == ((), 1)
    assert lake.read("readings").num_rows == 1
    assert maintain_table(lake, "readings", run, Plan()).conflict == ""


def test_a_checkpoint_that_fails_takes_no_commit_back(events, run, caplog):
    """The commit with which a checkpoint is due stands and counts; it is said aloud, and the upkeep makes it up."""
    name = STREAM.table
    blocked = Path(events.uri(name)) / "_delta_log" / f"{19:020d}.checkpoint.parquet"
    (blocked / "in the way").mkdir(parents=True)
    append(events, run, 25)
    assert events.read(name).num_rows == 125
    assert events.log(name).checkpoint is None
    [warning] = [record for record in caplog.records if record.name == "catena.lake.commit"]
    assert "version 19 is committed and stands" in warning.getMessage()
    done = maintain_table(events, name, run, Plan())
    assert done.is_checkpointed
    assert events.log(name).checkpoint == done.version_after
