"""Re-running changes nothing, corrections replace one day, and rows are never lost."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.ingesting.quarantine import release, shown

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


def test_a_correction_replaces_exactly_its_day(deliver, ingest, workspace, usecase):
    """Of two days one is corrected: that one alone changes, and downstream hears of it alone."""
    good = deliver("good.csv").read_text()
    deliver(of_day(good, 6), "2013-01-06")
    assert ingest("2013-01-05", "2013-01-06").partitions == ("2013-01-05", "2013-01-06")
    lake = workspace.lake(usecase)
    before = {name: lake.contents(name, ["2013-01-05", "2013-01-06"]) for name in ("schedule", "outcomes")}
    deliver(of_day(good, 6).replace(b"N560UW", b"N561UW"), "2013-01-06")
    assert ingest("2013-01-05", "2013-01-06").partitions == ("2013-01-06",)
    for name, contents in before.items():
        after = lake.contents(name, ["2013-01-05", "2013-01-06"])
        assert {key for key in after if after[key] != contents[key]} == {"2013-01-06"}
    assert "N561UW" in lake.read("schedule", ["2013-01-06"])["tailnum"].to_pylist()


def of_day(good, day):
    """Return the small file of 5 January as that of another day."""
    return good.replace("2013,1,5,", f"2013,1,{day},").replace("2013-01-05", f"2013-01-{day:02d}").encode()


HARMS = st.lists(
    st.tuples(
        st.integers(1, 20),
        st.integers(0, 18),
        st.text(st.characters(codec="utf-8", exclude_characters='"\n\r'), max_size=6),
    ),
    max_size=12,
)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(harms=st.lists(HARMS, min_size=4, max_size=4))
def test_every_row_is_published_or_quarantined(deliver, ingest, workspace, usecase, harms):
    """Whatever happens to the cells, rows in are rows published and rows in quarantine, on each of several days."""
    good = deliver("good.csv").read_text()
    days = [f"2013-01-{number:02d}" for number in range(5, 9)]
    for number, (day, harm) in enumerate(zip(days, harms, strict=True), 5):
        lines = [line.split(",") for line in of_day(good, number).decode().splitlines()]
        for row, cell, text in harm:
            lines[row][min(cell, len(lines[row]) - 1)] = text
        deliver("\n".join(",".join(line) for line in lines).encode(), day)
    ingest(*days)
    lake = workspace.lake(usecase)
    for day in days:
        assert lake.read("schedule", [day]).num_rows + lake.read("quarantine", [day]).num_rows == 20
