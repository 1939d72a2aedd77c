"""Reference data move only where they changed, and a person may let a row pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from catena.chain.ingesting.ingest import ingest_dataset, refresh_reference
from catena.chain.ingesting.quarantine import NotReleasable, release, shown
from usecases.flight_delays.upstream import export

STORM = "2013-02-12"


@pytest.fixture
def upstream(workspace, fresh_database):
    """Upstream systems with one day, that of the impossible wind; returns the connections."""
    url = fresh_database()
    export(str(workspace.settings.landing_root), make_url(url), STORM, STORM)
    return {"airline_operations": url}


def test_only_changed_reference_data_get_a_new_version(workspace, usecase, run, upstream):
    """The same files move nothing; a corrected file of airports moves the airports and nothing else."""
    lake, tables = workspace.lake(usecase), ("planes", "airports", "airlines")
    first = refresh_reference(workspace, usecase, run, connections=upstream)
    assert first.details["changed"] == list(tables)
    versions = {name: lake.version(name) for name in (*tables, "quarantine")}
    # As counted by `wc -l` in the delivered files, and by the database.
    counted = {"planes": 3322, "airports": 1458, "airlines": 16}
    assert {name: lake.read(name).num_rows for name in tables} == counted
    again = refresh_reference(workspace, usecase, run, connections=upstream)
    assert (again.status, again.partitions) == ("unchanged", ())
    assert {name: lake.version(name) for name in (*tables, "quarantine")} == versions
    file = Path(workspace.settings.landing_root) / "flight_delays" / "reference" / "airports.csv"
    file.write_text(file.read_text().replace("Newark Liberty Intl", "Newark Liberty International"))
    corrected = refresh_reference(workspace, usecase, run, connections=upstream)
    assert corrected.details["changed"] == ["airports"]
    moved = {name for name in tables if lake.version(name) != versions[name]}
    assert moved == {"airports"}


def test_a_release_goes_from_quarantine_to_the_clean_table(workspace, usecase, run, upstream):
    """The wind of 1048 mph is held back; a person lets it pass, with a reason that the ledger keeps."""
    ingest_dataset(workspace, usecase, "weather", [STORM], run)
    (row,) = shown(workspace, usecase, "weather", STORM)
    assert row["rules"] == "between(wind_speed)"
    assert "1048" in row["reason"]
    assert release(workspace, usecase, "weather", STORM, [row["row_id"]], reason="the station says so", run=run)
    outcome = ingest_dataset(workspace, usecase, "weather", [STORM], run)
    assert (outcome.partitions, outcome.accounting.rows_quarantined) == ((STORM,), 0)
    winds = workspace.lake(usecase).read("weather", [STORM])["wind_speed_mph"].to_pylist()
    assert max(wind for wind in winds if wind is not None) == pytest.approx(1048.36, abs=0.01)
    (entry,) = workspace.ledger.entries("flight_delays", kind="release", subject="weather")
    assert (entry.partition, entry.payload) == (STORM, {"row_ids": [row["row_id"]], "reason": "the station says so"})


def test_what_no_release_can_lift_is_refused(deliver, ingest, workspace, usecase, run):
    """A row without a readable value has nothing to publish, and an unknown row is named."""
    deliver("text_in_number.csv")
    ingest()
    (row,) = shown(workspace, usecase, "flights", "2013-01-05")
    with pytest.raises(NotReleasable, match="have the source corrected"):
        release(workspace, usecase, "flights", "2013-01-05", [row["row_id"]], reason="why not", run=run)
    with pytest.raises(NotReleasable, match="not in quarantine"):
        release(workspace, usecase, "flights", "2013-01-05", ["0123456789ab-2"], reason="why not", run=run)
    assert workspace.ledger.entries("flight_delays", kind="release") == []
