"""A landing folder with one small day of flights, and a way to ingest it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from catena.chain.ingesting.ingest import ingest_dataset
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.run import Outcome, Run
from catena.settings import Settings
from catena.workspace import Workspace

DATA = Path(__file__).parents[3] / "data" / "flight_delays"
DAY = "2013-01-05"


@pytest.fixture
def usecase() -> UseCase:
    """The flights, as declared."""
    return declared_usecase("flight_delays")


@pytest.fixture
def deliver(workspace: Workspace) -> Callable[[str | bytes], Path]:
    """Return a function that puts a named file, or bytes, in place as the delivery of the day."""

    def put(content: str | bytes, day: str = DAY) -> Path:
        target = Path(workspace.settings.landing_root) / "flight_delays" / "flights" / f"{day}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            shutil.copyfile(DATA / content, target)
        return target

    return put


@pytest.fixture
def other_workspace(workspace: Workspace, tmp_path: Path, fresh_database: Callable[[], str]) -> Iterator[Workspace]:
    """A second, empty installation that reads the same landing folder."""
    opened = Workspace(
        Settings(
            _env_file=None,
            home=tmp_path / "other",
            landing_url=str(workspace.settings.landing_root),
            database_url=SecretStr(fresh_database()),
        )
    )
    opened.ledger.create()
    yield opened
    opened.engine.dispose()


@pytest.fixture
def run() -> Run:
    """A first try."""
    return Run("flight_delays", "ingest", "run-1")


@pytest.fixture
def ingest(workspace: Workspace, usecase: UseCase, run: Run) -> Callable[..., Outcome]:
    """Return a function that ingests days of flights."""
    return lambda *days: ingest_dataset(workspace, usecase, "flights", days or (DAY,), run)
