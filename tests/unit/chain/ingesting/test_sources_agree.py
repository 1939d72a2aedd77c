"""The way by which rows arrive leaves no trace in the tables, and hours that exist twice or never are told apart."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from catena.chain.ingesting.ingest import DeliveryRefused, ingest_dataset
from catena.declaration import FileSource, SqlSource, UseCase
from usecases.flight_delays.upstream import _package_data, export

DATA = Path(__file__).parents[3] / "data" / "flight_delays"
DAY = "2013-01-05"


def with_source(usecase: UseCase, source: FileSource | SqlSource) -> UseCase:
    """Return the use case with flights from another source."""
    datasets = tuple(
        item.model_copy(update={"source": source}) if item.name == "flights" else item for item in usecase.datasets
    )
    return usecase.model_copy(update={"datasets": datasets})


def weather_of(workspace, day, *more):
    """Put the real weather of a day, and further lines, in place."""
    year, month, number = (str(int(part)) for part in day.split("-"))
    header, *lines = (_package_data() / "weather.csv").read_text().splitlines()
    chosen = [line for line in lines if line.split(",")[1:4] == [year, month, number]]
    target = Path(workspace.settings.landing_root) / "flight_delays" / "weather" / f"{day}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([header, *chosen, *more]))
    return len(chosen)


def test_file_and_database_end_in_the_same_tables(workspace, other_workspace, usecase, run, fresh_database):
    """Law 3: one day through a file and through a query has equal content identities of schedule and outcomes."""
    url = fresh_database()
    export(str(workspace.settings.landing_root), make_url(url), DAY, DAY)
    query = "SELECT * FROM flights WHERE make_date(year::int, month::int, day::int) = :partition"
    from_database = with_source(usecase, SqlSource(connection="operations", query=query, chunk_rows=200))
    by_file = ingest_dataset(workspace, usecase, "flights", [DAY], run)
    by_query = ingest_dataset(other_workspace, from_database, "flights", [DAY], run, connections={"operations": url})
    # 720 flights were scheduled on 5 January 2013.
    assert by_file.accounting.rows_published == by_query.accounting.rows_published == 720
    for table in ("schedule", "outcomes"):
        (identity,) = workspace.lake(usecase).contents(table, [DAY]).values()
        assert identity is not None
        assert other_workspace.lake(usecase).contents(table, [DAY]) == {DAY: identity}


def test_the_hour_that_exists_twice_keeps_both_observations(workspace, usecase, run):
    """On 3 November 2013 the local hour 01:00 is 05:00 UTC and 06:00 UTC: two observations, neither a duplicate."""
    count = weather_of(workspace, "2013-11-03")
    outcome = ingest_dataset(workspace, usecase, "weather", ["2013-11-03"], run)
    assert (outcome.accounting.rows_published, outcome.accounting.rows_quarantined) == (count, 0)
    rows = workspace.lake(usecase).read("weather", ["2013-11-03"]).to_pylist()
    twice = {(row["origin"], row["event_time"]) for row in rows if row["event_time"].hour in (5, 6)}
    assert twice == {
        (origin, datetime(2013, 11, 3, hour, tzinfo=UTC)) for origin in ("EWR", "JFK", "LGA") for hour in (5, 6)
    }


def test_the_hour_that_does_not_exist_is_taken_out(workspace, usecase, run):
    """On 10 March 2013 the clocks went from 02:00 to 03:00: a row of local 02:00 contradicts itself."""
    impossible = "EWR,2013,3,10,2,39,24,55,270,10,NA,0,1020,10,2013-03-10T07:30:00Z"
    count = weather_of(workspace, "2013-03-10")
    outcome = ingest_dataset(workspace, usecase, "weather", ["2013-03-10"], run)
    assert outcome.accounting.rows_quarantined == 0
    hours = {row["event_time"] for row in workspace.lake(usecase).read("weather", ["2013-03-10"]).to_pylist()}
    assert {datetime(2013, 3, 10, 6, tzinfo=UTC), datetime(2013, 3, 10, 7, tzinfo=UTC)} <= hours
    weather_of(workspace, "2013-03-10", impossible)
    again = ingest_dataset(workspace, usecase, "weather", ["2013-03-10"], run)
    assert (again.accounting.rows_in, again.accounting.rows_quarantined) == (count + 1, 1)


def test_a_truncated_archive_is_refused_with_its_name(workspace, usecase, run):
    """Half a compressed file publishes nothing; the ledger names the file and what is wrong with it."""
    packed = with_source(usecase, FileSource(path="flights/{partition}.csv.gz"))
    target = Path(workspace.settings.landing_root) / "flights" / f"{DAY}.csv.gz"
    target.parent.mkdir(parents=True)
    shutil.copyfile(DATA / "truncated.csv.gz", target)
    with pytest.raises(DeliveryRefused, match=r"2013-01-05: truncated: The compressed file is broken"):
        ingest_dataset(workspace, packed, "flights", [DAY], run)
    entry = workspace.ledger.last("flight_delays", "quality", "flights", partition=DAY)
    assert (entry.decision, entry.payload["source_file"]) == ("FAIL", f"flights/{DAY}.csv.gz")
    assert entry.payload["rules"][0]["rule"] == "truncated"
    assert entry.payload["source_checksum"]
    assert workspace.lake(usecase).contents("schedule", [DAY]) == {DAY: None}
