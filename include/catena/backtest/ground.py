"""Installations of a backtest's own: lake, ledger and published predictions of a policy, apart from the real ones.

A ground sees no day beyond its horizon, so that nothing is used before its day has come. The registry is one for the
whole backtest, and no other: equal rows and code make the same version, which is then made once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from catena.chain.training.training_data import open_registry
from catena.database import database_url
from catena.declaration import UseCase
from catena.governance.ledger import Fact
from catena.lake import Lake, lake_tables
from catena.lake.standard import STANDARD_TABLES
from catena.partitions import DAY
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace

_LONGEST_NAME = 63
_REGISTRY = "registry_"


class SeenLake(Lake):
    """A lake as it was at the end of a day: later partitions are not there yet."""

    horizon: str | None = None

    def partitions(self, name: str) -> list[str]:
        """Return the partition keys that hold rows, up to the horizon."""
        return [key for key in super().partitions(name) if self._is_seen(key)]

    def contents(self, name: str, *given: Any, **options: Any) -> dict[str, int | None]:
        """Return the content identity of each partition, None beyond the horizon."""
        found = super().contents(name, *given, **options)
        return {key: content if self._is_seen(key) else None for key, content in found.items()}

    def read(self, name: str, partitions: Sequence[str] | None = None, **options: Any) -> pa.Table:
        """Return rows of a table, of partitions up to the horizon."""
        if partitions is None and self.tables[name].is_partitioned:
            partitions = self.partitions(name)
        seen = None if partitions is None else [key for key in partitions if self._is_seen(key)]
        return super().read(name, seen, **options)

    def _is_seen(self, key: str) -> bool:
        return self.horizon is None or not DAY.fullmatch(key) or key <= self.horizon


class Ground(Workspace):
    """A workspace of one policy.

    Attributes:
        horizon: the last day that has come; None: all days have.
    """

    def __init__(self, of: Settings) -> None:
        super().__init__(of)
        self.horizon: str | None = None

    def lake(self, usecase: UseCase) -> SeenLake:
        """Return the lake of a use case, up to the horizon."""
        found = SeenLake(f"{self.settings.lake_root}/{usecase.name}", lake_tables(usecase))
        found.horizon = self.horizon
        return found

    def close(self) -> None:
        """Let go of the database, and remove it."""
        self.engine.dispose()
        drop_database(self.settings)


def ground_settings(real: Settings, work: Path, name: str) -> Settings:
    """Return the settings of an installation below a folder of work, with a database on the real one's server."""
    server = database_url(real, "catena")
    digest = hashlib.sha256(f"{work.resolve()}/{name}".encode()).hexdigest()[:8]
    database = f"{server.database}_backtest_{digest}_{name}"[:_LONGEST_NAME]
    url = server.set(database=database).render_as_string(hide_password=False)
    home = work / name
    return real.model_copy(update={
        "home": home, "database_url": SecretStr(url), "lake_url": None, "lake_storage_options": {},
        "landing_url": None, "pages_dir": None, "tracking_uri": f"sqlite:///{registry_of(work).resolve()}/mlflow.db",
    })  # fmt: skip


def registry_of(work: Path) -> Path:
    """Return the folder of a backtest's registry.

    Each has a name of its own, since MLflow holds on to a database by its address for as long as the process lives.
    """
    there = sorted(work.glob(f"{_REGISTRY}*"))
    return there[0] if there else work / f"{_REGISTRY}{uuid4().hex[:8]}"


def make_registry(real: Settings, work: Path, experiment: str) -> None:
    """Make the backtest's registry where it is missing; one process makes it, the others wait."""
    with (work / "registry.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        registry_of(work).mkdir(exist_ok=True)
        settings = ground_settings(real, work, "none").model_copy(update={"home": registry_of(work)})
        # Its files lie in its own folder, not in that of the policy which happens to train first.
        open_registry(settings).experiment(experiment)


def open_ground(real: Settings, work: Path, name: str) -> Ground:
    """Return a new installation of a backtest; what an attempt before left behind is removed first."""
    settings = ground_settings(real, work, name)
    shutil.rmtree(settings.home, ignore_errors=True)
    settings.home.mkdir(parents=True)
    drop_database(settings)
    create_database(settings)
    ground = Ground(settings)
    ground.ledger.create()
    return ground


def create_database(settings: Settings, suffix: str = "") -> None:
    """Create the database that settings name."""
    _on_server(settings, "CREATE DATABASE {} TEMPLATE template0", suffix)


def drop_database(settings: Settings, suffix: str = "") -> None:
    """Remove the database that settings name, where it is there."""
    _on_server(settings, "DROP DATABASE IF EXISTS {} WITH (FORCE)", suffix)


def _on_server(settings: Settings, statement: str, suffix: str) -> None:
    url = make_url(database_url(settings, "catena").render_as_string(hide_password=False))
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    quoted = engine.dialect.identifier_preparer.quote_identifier(f"{url.database}{suffix}")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement.format(quoted)))
    finally:
        engine.dispose()


def bring_over(source: Workspace, ground: Ground, usecase: UseCase) -> None:
    """Give a ground the tables that no policy changes, and the verdicts on their days.

    Files of a lake in a folder are linked, since nobody ever changes one; of an object store they are read.
    """
    made = {table.name for table in STANDARD_TABLES}
    before, after = source.lake(usecase), ground.lake(usecase)
    run = Run(usecase.name, "backtest", "bring-over")
    for table in usecase.tables:
        if table.name in made or before.version(table.name) is None:
            continue
        if "://" not in before.root:
            shutil.copytree(before.uri(table.name), after.uri(table.name), copy_function=_linked)
        elif table.is_partitioned:
            keys = before.partitions(table.name)
            after.overwrite(table.name, before.read(table.name), run=run, partitions=keys, standing="final")
        else:
            after.overwrite(table.name, before.read(table.name), run=run)
    standing = {
        (entry.subject, entry.partition): Fact(
            "quality", entry.subject, entry.partition, entry.decision, entry.effective_at, entry.payload
        )
        for entry in source.ledger.entries(usecase.name, kind="quality")
    }
    ground.ledger.append_all(run, list(standing.values()))


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Another file system.
        shutil.copy2(source, target)
