"""The clean tables and features that every policy starts from: the installation's, or made once for all of them.

How days are ingested and made into features belongs in `catena.chain`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from catena.backtest.ground import Ground, create_database, drop_database, ground_settings, open_ground
from catena.chain.featuring.features import build_features
from catena.chain.ingesting.ingest import ingest_dataset, refresh_reference
from catena.chain.training.training_data import TrainingTables
from catena.database import database_url
from catena.declaration import UseCase
from catena.lake import identity_of
from catena.partitions import days, month_of, months
from catena.platform.demonstration import deliver
from catena.run import Run
from catena.workspace import Workspace

TABLES = "_tables"
_DONE = "complete"
Announce = Callable[[str], None]


class DaysMissing(RuntimeError):
    """Days of the backtest that have no features, and get none."""


def with_tables(real: Workspace, usecase: UseCase, work: Path, announce: Announce) -> Workspace:
    """Return where all days of the use case's calendar have clean tables and features, made here where they lack.

    Args:
        usecase: with the days of the backtest as its calendar.
        work: folder of the backtest; tables that were made there before by the same declaration are taken again.

    Raises:
        DaysMissing: the upstream system does not deliver them.
    """
    if not missing_days(real, usecase):
        return real
    done = work / TABLES / _DONE
    if done.exists() and done.read_text(encoding="utf-8") == _stamp(usecase):
        return Ground(ground_settings(real.settings, work, TABLES))
    ground = _made(real, usecase, work, announce)
    if missing := missing_days(ground, usecase):
        raise DaysMissing(f"{len(missing)} partitions could not be made: {', '.join(missing[:5])}")
    done.write_text(_stamp(usecase), encoding="utf-8")
    return ground


def missing_days(workspace: Workspace, usecase: UseCase) -> list[str]:
    """Return the days that have no features or no final labels yet, and may still get them."""
    tables = TrainingTables(workspace.lake(usecase), workspace.ledger, usecase)
    return tables.missing(str(usecase.calendar.last))


def _stamp(usecase: UseCase) -> str:
    """Return what the tables are made of: the days, and all that is declared of them."""
    view = usecase.features
    declared = [[table.model_dump() for table in usecase.tables], [item.model_dump() for item in usecase.datasets],
                view.model_dump(), usecase.sql(view.sql)]  # fmt: skip
    return f"{usecase.calendar.first} {usecase.calendar.last} {identity_of(declared)}"


def _made(real: Workspace, usecase: UseCase, work: Path, announce: Announce) -> Ground:
    ground = open_ground(real.settings, work, TABLES)
    first, last = usecase.calendar.first, str(usecase.calendar.last)
    upstream = database_url(ground.settings, "upstream")
    drop_database(ground.settings, "_upstream")
    create_database(ground.settings, "_upstream")
    try:
        deliver(ground.settings, usecase, first, last)
        address = upstream.set(drivername="postgresql").render_as_string(hide_password=False)
        connections = {
            dataset.source.connection: address for dataset in usecase.datasets if dataset.source.kind == "sql"
        }
        run = Run(usecase.name, "ingest", "backtest-tables")
        if usecase.reference_datasets:
            refresh_reference(ground, usecase, run, connections=connections)
        for month in months(month_of(first), month_of(last)):
            announce(f"clean tables and features of {month}")
            span = [day for day in days(first, last) if month_of(day) == month]
            for dataset in usecase.partitioned_datasets:
                ingest_dataset(ground, usecase, dataset.name, span, run, connections=connections)
            for day in span:
                build_features(ground, usecase, day, run)
    finally:
        drop_database(ground.settings, "_upstream")
    return ground
