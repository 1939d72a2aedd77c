"""What the report says of streams: nothing where none delivered, else numbers that are counted by hand here."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from catena.chain.upkeep import maintain_tables
from catena.chain.watching.report import issue_report, report_path, verify_report
from catena.declaration import EventType, Stream
from catena.lake import EventTable, Position, arrow_schema
from catena.reports import evidence_of
from catena.reports.words import worded

STREAM = Stream(
    name="tracking", description="d", events=(EventType(name="parcel.seen", version=1, description="d"),),
    lag_limit_minutes=15,
)  # fmt: skip
STORED_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
# Day, standing, seconds from the broker to the table. Of February 0.5, 1.5, 2.5, 3.5, 10 and 1200.
FIRST = [("2013-02-01", "on_time", 2.5), ("2013-02-01", "on_time", 0.5), ("2013-02-02", "on_time", 3.5)]
SECOND = [
    ("2013-02-10", "late", 10.0), ("2013-03-01", "on_time", 5000.0), ("2013-02-11", "dead", 1200.0),
    ("2013-02-10", "on_time", 1.5),
]  # fmt: skip


@pytest.fixture
def streamed(watched):
    """The binary world with every day of February measured, and a stream without a record."""
    return replace(watched, usecase=watched.usecase.model_copy(update={"streams": (STREAM,)}))


def land(world, records, start: int = 1, partition: int = 0) -> None:
    """Append records to the table of the stream, in one commit."""
    schema, log = arrow_schema(world.lake.tables[STREAM.table]), f"parcels.tracking@first:{partition}"
    rows = [
        {
            "partition": day, "log": "parcels.tracking@first", "log_partition": partition, "log_offset": start + n,
            "standing": standing, "stored_at": STORED_AT, "landed_at": STORED_AT + timedelta(seconds=waited),
        }
        for n, (day, standing, waited) in enumerate(records)
    ]  # fmt: skip
    table = EventTable(world.lake, STREAM.table)
    expected = table.positions([log])[log].next_offset
    position = Position(start + len(records), None)
    assert table.append(pa.Table.from_pylist(rows, schema=schema), world.run, log, expected, position)


def issue(world, month: str = "2013-02"):
    """Issue a report; return its outcome and its page."""
    outcome = issue_report(world.workspace, world.usecase, month, world.run)
    return outcome, report_path(world.workspace, world.usecase, month).read_text(encoding="utf-8")


def numbers_of_stream(page: str) -> dict[str, object]:
    """Return the values that a page cites of its one stream."""
    numbers = evidence_of(page)["numbers"]
    return {item["column"]: item["value"] for item in numbers.values() if item["query"] == "streams"}


def test_counts_and_times_are_those_of_a_count_by_hand(streamed):
    """Records of the month only, in two partitions of a log: the median of six, and 95 % three quarters up the last."""
    land(streamed, FIRST)
    land(streamed, SECOND, partition=1)
    outcome, page = issue(streamed)
    assert outcome.status == "published"
    assert numbers_of_stream(page) == {
        "records": 6, "late": 1, "dead": 1, "p50_s": 3.0, "p95_s": pytest.approx(10 + 0.75 * 1190), "longest_s": 1200.0,
        "limit_s": 900.0, "overdue": 1,
    }  # fmt: skip
    assert page.count('class="r alert"') == 1
    text = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<h2>Streams</h2>")[2]).replace("\u202f", " ").split())
    assert "Tracking 6 1 1 3.0 s 15.0 min 20.0 min 15.0 min 1 Where these numbers come from" in text
    assert verify_report(streamed.workspace, streamed.usecase, "2013-02") == []
    assert outcome.versions[STREAM.table] == streamed.lake.version(STREAM.table)


def test_a_limit_that_is_met_is_kept(streamed):
    """A record that waits exactly as long as is allowed breaches nothing."""
    land(streamed, [("2013-02-01", "on_time", 900.0)])
    page = issue(streamed)[1]
    assert numbers_of_stream(page)["overdue"] == 0
    assert "r alert" not in page


def test_its_numbers_stand_after_more_records_and_after_the_upkeep(streamed):
    """What comes later gives another issue; what was issued comes out again, also when its files were deleted."""
    for n, record in enumerate(FIRST[:1] * 8):
        land(streamed, [record], start=1 + n)
    page = issue(streamed)[1]
    assert numbers_of_stream(page)["records"] == 8
    land(streamed, SECOND, start=9)
    land(streamed, SECOND, partition=1)
    done = maintain_tables(streamed.workspace, streamed.usecase, streamed.run, retention_hours=0).details
    assert done["tables"][STREAM.table]["deleted_files"] > 0
    assert verify_report(streamed.workspace, streamed.usecase, "2013-02") == []
    again, page = issue(streamed)
    assert (again.status, numbers_of_stream(page)["records"]) == ("published", 14)
    # Upkeep and merges make versions without a record: nothing to issue.
    EventTable(streamed.lake, STREAM.table).record_merged(3, streamed.run)
    assert issue(streamed)[0].status == "unchanged"
    assert verify_report(streamed.workspace, streamed.usecase, "2013-02") == []


def test_the_same_records_give_the_same_bytes(streamed):
    """No clock but those on the records is read."""
    land(streamed, FIRST)
    page = issue(streamed)[1]
    report_path(streamed.workspace, streamed.usecase, "2013-02").unlink()
    assert issue(streamed)[1] == page


def test_without_records_the_report_is_that_of_a_use_case_without_streams(streamed):
    """A declared stream that delivered nothing for the month changes neither a byte of the page nor its identity."""
    land(streamed, [("2013-01-31", "on_time", 1.0), ("2013-03-01", "dead", 2.0)])
    silent = replace(streamed, usecase=streamed.usecase.model_copy(update={"streams": ()}))
    page = issue(silent)[1]
    assert issue(streamed)[0].status == "unchanged"
    report_path(streamed.workspace, streamed.usecase, "2013-02").unlink()
    assert issue(streamed)[1] == page
    assert "Streams" not in page


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00 s"), (0.043, "0.04 s"), (1.0, "1.0 s"), (119.94, "119.9 s"), (120.0, "2.0 min"), (7199.0, "120.0 min"),
     (7200.0, "2.0 h"), (5_400_000.0, "1,500.0 h"), (-3.0, "−3.0 s"), (None, "–")],
)  # fmt: skip
def test_durations_are_read_easily(seconds, text):
    """Seconds, minutes or hours, whichever has few digits; clocks that disagree give a negative one."""
    assert worded(seconds, "duration").replace("\u202f", " ") == text
