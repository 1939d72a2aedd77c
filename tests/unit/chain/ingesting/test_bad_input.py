"""Bad input never vanishes and never crashes: it is quarantined with a reason, or refused with a verdict."""

from __future__ import annotations

import pytest

from catena.chain.ingesting.ingest import DeliveryAwaited, DeliveryRefused
from catena.chain.ingesting.quarantine import shown

DAY = "2013-01-05"


def verdict(workspace, partition=DAY):
    """Return the ledger's last word on a day."""
    return workspace.ledger.last("flight_delays", "quality", "flights", partition=partition)


@pytest.mark.parametrize(
    ("file", "rule", "said"),
    [
        ("empty.csv", "empty_file", "no text"),
        ("header_only.csv", "header_only", "no rows"),
        ("missing_column.csv", "missing_column", "carrier"),
        ("renamed_column.csv", "missing_column", "['airline']"),
        ("wrong_delimiter.csv", "delimiter", "';'"),
        ("wrong_encoding.csv", "encoding", "line 5"),
    ],
)
def test_a_broken_file_is_refused_by_name_of_its_fault(deliver, ingest, workspace, usecase, file, rule, said):
    """A file that cannot be read publishes nothing, and ledger, page and error name file, rule and place."""
    deliver(file)
    with pytest.raises(DeliveryRefused) as refused:
        ingest()
    assert rule in str(refused.value)
    assert said in str(refused.value)
    entry = verdict(workspace)
    assert entry.decision == "FAIL"
    assert entry.payload["rules"][0]["rule"] == rule
    assert workspace.lake(usecase).contents("schedule", [DAY]) == {DAY: None}
    assert "FAIL" in (workspace.pages(usecase, "quality") / "flights" / f"{DAY}.html").read_text()


def test_a_late_file_is_awaited_where_it_is_required(deliver, ingest, workspace):
    """Flights must be delivered each day: no file is a failure with a verdict, which the file's arrival mends."""
    with pytest.raises(DeliveryAwaited, match="missing_file"):
        ingest()
    assert verdict(workspace).decision == "FAIL"
    deliver("good.csv")
    assert ingest().partitions == (DAY,)
    assert verdict(workspace).decision in ("PASS", "WARN")


def test_a_broken_file_among_late_ones_is_not_awaited(deliver, ingest):
    """Waiting mends a late file only: with a broken one in the same pass, the pass is refused for good."""
    deliver("truncated.csv.gz")
    with pytest.raises(DeliveryRefused):
        ingest(DAY, "2013-01-06")


@pytest.mark.parametrize(
    ("file", "rule", "said"),
    [
        ("nul_byte.csv", "type", "tailnum"),
        ("text_in_number.csv", "type", "distance 'far'"),
        ("infinite.csv", "type", "distance 'inf'"),
        ("nan.csv", "type", "dep_delay 'NaN'"),
        ("february_31.csv", "type", "2013-02-31"),
        ("other_day.csv", "date_is_the_partition", "another day"),
    ],
)
def test_a_broken_row_is_taken_out_with_its_reason(deliver, ingest, workspace, usecase, file, rule, said):
    """One bad row costs that row alone, and stands in quarantine with line, rule and value."""
    deliver(file)
    outcome = ingest()
    assert (outcome.accounting.rows_in, outcome.accounting.rows_quarantined) == (20, 1)
    (row,) = shown(workspace, usecase, "flights", DAY)
    assert row["line_number"] == 4
    assert rule in row["rules"].split(",")
    assert said in row["reason"]
    assert workspace.lake(usecase).read("schedule", [DAY]).num_rows == 19


def test_a_line_with_too_few_fields_is_kept_as_it_came(deliver, ingest, workspace, usecase):
    """A line that is no row is quarantined as text, and the lines after it keep their numbers."""
    deliver("short_line.csv")
    assert ingest().accounting.rows_in == 21
    (row,) = shown(workspace, usecase, "flights", DAY)
    assert (row["line_number"], row["rules"], row["row"]) == (4, "malformed", '"2013,1,5"')
    lines = workspace.lake(usecase).read("raw_flights", [DAY])["line_number"].to_pylist()
    assert lines == [2, 3, *range(5, 23)]


def test_a_line_of_ten_megabytes_is_taken_out(deliver, ingest, workspace, usecase):
    """An enormous value neither crashes the chain nor fills the quarantine."""
    good = deliver("good.csv").read_bytes()
    deliver(good.replace(b"N560UW", b"N" * 10_000_000))
    assert ingest().accounting.rows_quarantined == 1
    (row,) = shown(workspace, usecase, "flights", DAY)
    assert len(row["row"]) < 11_000
    assert "10,000,000 characters" in row["reason"]


@pytest.mark.parametrize("file", ["extra_column.csv", "reordered_columns.csv", "midnight.csv"])
def test_harmless_oddities_lose_no_row(deliver, ingest, file):
    """An extra column, another order of columns and 24:00 publish every row."""
    deliver(file)
    assert ingest().accounting.rows_published == 20


def test_an_extra_column_is_reported(deliver, ingest, workspace):
    """A column that nobody agreed on is ignored, and said."""
    deliver("extra_column.csv")
    ingest()
    assert verdict(workspace).decision == "WARN"


def test_of_equal_rows_one_stays(deliver, ingest):
    """A row that is delivered three times is one flight: two copies go to quarantine."""
    deliver("duplicate_rows.csv")
    accounting = ingest().accounting
    assert (accounting.rows_in, accounting.rows_published, accounting.rows_quarantined) == (22, 20, 2)


def test_of_rows_that_contradict_each_other_none_stays(deliver, ingest):
    """Nobody knows which of two different rows with one key is right."""
    deliver("contradiction.csv")
    accounting = ingest().accounting
    assert (accounting.rows_in, accounting.rows_published, accounting.rows_quarantined) == (21, 19, 2)


def test_the_file_of_another_day_is_refused(deliver, ingest, workspace):
    """A duplicate file under the next day's name publishes nothing: no row belongs to that day."""
    content = deliver("good.csv").read_bytes()
    deliver(content, "2013-01-06")
    with pytest.raises(DeliveryRefused, match="rows_left"):
        ingest("2013-01-05", "2013-01-06")
    assert verdict(workspace, "2013-01-05").decision == "PASS"
    assert verdict(workspace, "2013-01-06").decision == "FAIL"


def test_ten_times_the_volume_is_refused(deliver, ingest, workspace):
    """A day with ten times the trailing rows is no day's traffic."""
    header, *lines = deliver("good.csv").read_text().splitlines()
    for day in (5, 6):
        rows = [line.replace("2013,1,5,", f"2013,1,{day},").replace("2013-01-05", f"2013-01-0{day}") for line in lines]
        many = (
            rows
            if day == 5
            else [
                ",".join([*cells[:10], str(int(cells[10]) % 500 + 500 * copy + 1), *cells[11:]])
                for copy in range(10)
                for cells in (line.split(",") for line in rows)
            ]
        )
        deliver("\n".join([header, *many]).encode(), f"2013-01-0{day}")
    ingest("2013-01-05")
    with pytest.raises(DeliveryRefused, match=r"10\.00 times the trailing mean"):
        ingest("2013-01-06")
