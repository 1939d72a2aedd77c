"""An ingest that dies between two commits is completed by the next one."""

from __future__ import annotations

import pytest

from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.ingesting.quarantine import shown
from catena.lake import Lake, lake_tables
from catena.workspace import Workspace

DAY = "2013-01-05"


class PowerCut(RuntimeError):
    """The machine stopped."""


class DyingLake(Lake):
    """A lake whose process dies just before it writes one table."""

    fatal = ""

    def overwrite(self, name, rows, **options):
        if name == self.fatal:
            raise PowerCut(name)
        return super().overwrite(name, rows, **options)


class DyingWorkspace(Workspace):
    """An installation in which writing one table kills the process."""

    fatal = ""

    def lake(self, usecase):
        lake = DyingLake(f"{self.settings.lake_root}/{usecase.name}", lake_tables(usecase))
        lake.fatal = self.fatal
        return lake


@pytest.mark.parametrize("fatal", ["quarantine", "schedule", "outcomes"])
def test_a_second_run_completes_what_a_crash_left(deliver, ingest, workspace, other_workspace, usecase, run, fatal):
    """Whichever table was not reached, the next run makes the same tables as a run that nothing disturbed."""
    deliver("other_day.csv")
    dying = DyingWorkspace(workspace.settings)
    dying.fatal = fatal
    with pytest.raises(PowerCut):
        ingest_dataset(dying, usecase, "flights", [DAY], run)
    dying.engine.dispose()
    assert ingest().accounting.rows_in == 20
    ingest_dataset(other_workspace, usecase, "flights", [DAY], run)
    mended, undisturbed = workspace.lake(usecase), other_workspace.lake(usecase)
    for table in ("schedule", "outcomes"):
        assert mended.contents(table, [DAY]) == undisturbed.contents(table, [DAY])
    assert mended.read("raw_flights", [DAY]).num_rows == 20
    assert shown(workspace, usecase, "flights", DAY) == shown(other_workspace, usecase, "flights", DAY)
    assert ingest().status == "unchanged"
    entries = workspace.ledger.entries("flight_delays", kind="quality", subject="flights")
    assert [entry.decision for entry in entries] == ["WARN"]
