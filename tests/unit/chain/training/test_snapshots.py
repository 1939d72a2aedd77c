"""Training sets are named, shared by day, and out of reach of whatever happens to the tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from catena.chain.training.snapshot_views import compared, listed, shown
from catena.chain.training.snapshots import (
    UnknownSnapshot,
    archive_of,
    full_name,
    open_snapshot,
    parted,
    read_record,
    snapshot_entries,
    snapshot_entry,
    take_snapshot,
)
from catena.chain.training.training_data import TrainingTables, cut_of
from catena.lake import ArchiveDamaged
from catena.partitions import days_of_month

JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")


@pytest.fixture
def take(local, usecase, run_of):
    """Return a function that takes a month's snapshot from the tables as they are."""

    def taken(month, declared=usecase):
        lake, ledger = local.lake(declared), local.ledger
        versions = TrainingTables(lake, ledger, declared).versions()
        return take_snapshot(lake, ledger, declared, month, run=run_of("train"), versions=versions)

    return taken


def files(workspace, usecase):
    return sorted(Path(archive_of(workspace.lake(usecase)).root, "rows").iterdir())


def test_a_snapshot_says_what_it_is(local, usecase, land, take):
    """31 days of 20 rows: the last 7 are held out; the name holds the month and the hash of the record."""
    land(JANUARY)
    snapshot = take("2024-01")
    facts = shown(local.ledger, usecase, snapshot.name)
    assert snapshot.name == f"toys/2024-01@{facts['sha256'][:8]}"
    assert facts["boundaries"] == {
        "first_held_day": "2024-01-25", "last_day": "2024-01-31", "validation_days": 7, "embargo_days": 0,
        "first_embargoed_day": "2024-01-25", "known_by": "2024-01-25T08:00:00+00:00",
    }  # fmt: skip
    (row,) = listed(local.ledger, usecase)
    assert (row["train"], row["purged"], row["holdout"]) == (24 * 20, 0, 7 * 20)
    labels = local.lake(usecase).read("outcomes", JANUARY[:24])["bought"].to_pylist()
    assert row["label mean"] == pytest.approx(sum(labels) / 480)
    assert facts["tables"] == {"features": 1, "outcomes": 1}
    assert full_name(local.ledger, usecase, "toys/2024-01") == snapshot.name
    with pytest.raises(UnknownSnapshot, match=r"toys/2024-01@"):
        full_name(local.ledger, usecase, "toys/2024-05")


def test_months_share_the_days_that_did_not_change(local, usecase, land, take):
    """February's snapshot holds January's days, which are kept once; the same rows again are the same snapshot."""
    land(JANUARY)
    land(FEBRUARY)
    january = take("2024-01")
    assert len(files(local, usecase)) == 31
    february = take("2024-02")
    assert len(files(local, usecase)) == 60
    assert take("2024-01").name == january.name
    assert len(snapshot_entries(local.ledger, usecase)) == 2
    found = compared(local, usecase, january.name, february.name)
    assert [day["day"] for day in found["days"]] == FEBRUARY
    assert {day["added"] for day in found["days"]} == {20}
    assert set(found["definition"]) == {"cut", "boundaries"}


def test_nothing_that_is_known_after_the_cut_is_in_a_snapshot(local, usecase, land, run_of, take):
    """Every row that is known after the cut is poisoned, and rows are added after it: the same snapshot comes out.

    At midnight, the cut, the last outcome of 31 January is known; outcomes of its last hours are moved behind the cut.
    """
    land(JANUARY)
    land(FEBRUARY[:3])
    lake, cut = local.lake(usecase), cut_of("2024-01")
    late = pa.array([cut + timedelta(seconds=n) for n in range(20)], pa.timestamp("us", tz="UTC"))
    last = lake.read("outcomes", JANUARY[-1:])
    behind = [*last["known_at"].to_pylist()[:12], cut, *late.to_pylist()[1:8]]
    place = last.column_names.index("known_at")
    last = last.set_column(place, last.field(place), pa.array(behind, pa.timestamp("us", tz="UTC")))
    lake.overwrite("outcomes", last, run=run_of("ingest"), partitions=JANUARY[-1:])
    clean = take("2024-01")
    assert clean.data.rows == 30 * 20 + 13
    for name, change in (("outcomes", "bought"), ("features", "signal")):
        for day in [JANUARY[-1], *FEBRUARY[:3]]:
            rows = lake.read(name, [day]).to_pylist()
            for row, known_at in zip(rows, behind if day == JANUARY[-1] else late.to_pylist(), strict=True):
                if known_at > cut:
                    row[change] = 1 if name == "outcomes" else 999.0
            table = pa.Table.from_pylist(rows, schema=lake.read(name, [day]).schema)
            lake.overwrite(name, table, run=run_of("ingest"), partitions=[day])
    poisoned = take("2024-01")
    assert (poisoned.name, poisoned.data.identity) == (clean.name, clean.data.identity)


def test_late_data_and_vacuum_do_not_reach_a_snapshot(local, usecase, land, take):
    """Corrected days and deleted old files of the tables leave a snapshot's rows as they were."""
    land(JANUARY)
    snapshot = take("2024-01")
    land(JANUARY, seed="corrected")
    lake = local.lake(usecase)
    for name in ("features", "outcomes"):
        lake.open(name).vacuum(0, dry_run=False, enforce_retention_duration=False)
    opened = open_snapshot(lake, local.ledger, usecase, snapshot.name)
    assert opened.data.digests == snapshot.data.digests
    again = take("2024-01")
    found = compared(local, usecase, snapshot.name, again.name)
    assert len(found["days"]) == 31
    assert all(day["changed"] and "signal" in day["in columns"] for day in found["days"])


def test_what_differs_in_declaration_is_told(local, usecase, declare, land, take):
    """Another feature and another embargo are another snapshot; `diff` names the column and the boundary."""
    land(JANUARY)
    one, other = take("2024-01"), take("2024-01", declare(embargo_days=2, slices=()))
    found = compared(local, usecase, one.name, other.name)
    assert found["definition"]["boundaries"] == [
        "embargo_days: 0 -> 2", "first_embargoed_day: 2024-01-25 -> 2024-01-23",
    ]  # fmt: skip
    assert found["days"] == []
    assert len(other.data.train) == 22 * 20
    with pytest.raises(UnknownSnapshot, match="several"):
        full_name(local.ledger, usecase, "toys/2024-01")


def test_a_damaged_archive_is_refused(local, usecase, land, take):
    """A day's file that is gone, and one that holds other rows, are named."""
    land(JANUARY)
    snapshot = take("2024-01")
    lake, one = local.lake(usecase), files(local, usecase)[0]
    content = one.read_bytes()
    one.write_bytes(files(local, usecase)[1].read_bytes())
    with pytest.raises(ArchiveDamaged, match=one.name):
        open_snapshot(lake, local.ledger, usecase, snapshot.name)
    one.unlink()
    with pytest.raises(ArchiveDamaged, match="not there"):
        open_snapshot(lake, local.ledger, usecase, snapshot.name)
    one.write_bytes(content)
    record = read_record(lake, snapshot_entry(local.ledger, usecase, snapshot.name))
    rows = archive_of(lake).rows([day.sha256 for day in record.days.values()])
    assert parted(record, rows[::-1]).digests == snapshot.data.digests


def test_a_month_without_rows_is_a_snapshot_too(local, usecase, land, take):
    """Nothing to learn from is on record like anything else, with its columns."""
    snapshot = take("2024-01")
    assert (snapshot.data.rows, snapshot.record.days) == (0, {})
    assert "signal" in snapshot.data.train.columns
