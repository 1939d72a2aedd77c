"""Re-running changes nothing, corrections replace one day, and rows are never lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catena.chain.ingest import ingest_dataset
from catena.chain.quarantine import release, shown

DAY = "2013-01-05"


def test_an_unchanged_file_makes_no_version(deliver, ingest, workspace, usecase):
    """The same file again moves no table, raw ones included."""
    deliver("good.csv")
    assert ingest().status == "published"
    lake = workspace.lake(usecase)
    before = {name: lake.version(name) for name in lake.tables}
    assert ingest().status == "unchanged"
    assert {name: lake.version(name) for name in lake.tables} == before


def test_a_second_try_names_the_days_that_stand(deliver, ingest, workspace, usecase, run):
    """A first try that died before its event is made good: the second names the day."""
    deliver("good.csv")
    ingest()
    again = ingest_dataset(workspace, usecase, "flights", [DAY], replace(run, try_number=2))
    assert (again.status, again.partitions) == ("unchanged", (DAY,))


def test_a_corrected_file_replaces_its_day_and_the_raw_table_keeps_both(deliver, ingest, workspace, usecase):
    """A correction flows; what came first stays in the raw table."""
    deliver("text_in_number.csv")
    ingest()
    deliver("good.csv")
    assert ingest().partitions == (DAY,)
    lake = workspace.lake(usecase)
    assert lake.read("schedule", [DAY]).num_rows == 20
    assert lake.read("raw_flights", [DAY]).num_rows == 40
    assert shown(workspace, usecase, "flights", DAY) == []


def test_an_absent_optional_file_is_an_empty_day(workspace, usecase, run):
    """Weather may be missing: the day stands empty, and the ledger says why."""
    outcome = ingest_dataset(workspace, usecase, "weather", [DAY], run)
    assert outcome.partitions == (DAY,)
    assert workspace.lake(usecase).contents("weather", [DAY])[DAY] is not None
    assert workspace.ledger.last("flight_delays", "quality", "weather", partition=DAY).decision == "NO_DATA"


def test_a_released_row_passes_at_the_next_ingest(deliver, ingest, workspace, usecase, run):
    """A person may let a row pass a rule; it then leaves the quarantine for the clean tables."""
    deliver("other_day.csv")
    ingest()
    (row,) = shown(workspace, usecase, "flights", DAY)
    assert release(workspace, usecase, "flights", DAY, [row["row_id"]], reason="checked by phone", run=run)
    assert ingest().accounting.rows_published == 20
    assert shown(workspace, usecase, "flights", DAY) == []
    assert ingest().status == "unchanged"


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    harm=st.lists(
        st.tuples(
            st.integers(1, 20),
            st.integers(0, 18),
            st.text(st.characters(codec="utf-8", exclude_characters='"\n\r'), max_size=6),
        ),
        max_size=12,
    )
)
def test_every_row_is_published_or_quarantined(deliver, ingest, workspace, usecase, harm):
    """Whatever happens to the cells, rows in are rows published and rows in quarantine."""
    lines = [line.split(",") for line in deliver("good.csv").read_text().splitlines()]
    for row, cell, text in harm:
        lines[row][min(cell, len(lines[row]) - 1)] = text
    deliver("\n".join(",".join(line) for line in lines).encode())
    ingest()
    lake = workspace.lake(usecase)
    assert lake.read("schedule", [DAY]).num_rows + lake.read("quarantine", [DAY]).num_rows == 20
