"""An installation with a broker of its own, the flights of some days as files and as events."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from catena.chain.ingest import ingest_dataset
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.partitions import days
from catena.platform import installation, processes
from catena.run import Outcome, Run
from catena.settings import Settings
from catena.streams.replay import Faults, Progress, replay_history
from catena.workspace import Workspace
from usecases.flight_delays.upstream import export


@pytest.fixture
def usecase() -> UseCase:
    """The flights, as declared."""
    return declared_usecase("flight_delays")


@pytest.fixture
def run() -> Run:
    return Run("flight_delays", "stream", "run-1", code_version="0.1.0+test")


@pytest.fixture
def workspace(tmp_path: Path, fresh_database: Callable[[], str]) -> Iterator[Workspace]:
    """An opened, empty installation whose broker runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = Settings(_env_file=None, home=tmp_path, database_url=SecretStr(fresh_database()), nats_port=port)
    installation.start_nats(settings)
    opened = Workspace(settings)
    opened.ledger.create()
    yield opened
    opened.engine.dispose()
    processes.stop(settings, ["nats"])


Replay = Callable[..., Progress]
Load = Callable[..., list[Outcome]]


@pytest.fixture
def replay(workspace: Workspace, usecase: UseCase) -> Replay:
    """Return a function that publishes the history of days as fast as the broker takes it, with faults."""

    def publish(first: str, last: str, **faults: float | bool) -> Progress:
        return replay_history(workspace.settings, usecase, (first, last), speed=0, faults=Faults(**faults))

    return publish


@pytest.fixture
def load_files(usecase: UseCase) -> Load:
    """Return a function that writes the files of days and ingests them into a workspace."""

    def load(into: Workspace, first: str, last: str) -> list[Outcome]:
        export(str(into.settings.landing_root), into.engine.url, first, last)
        run = Run("flight_delays", "ingest", "batch", code_version="0.1.0+test")
        return [ingest_dataset(into, usecase, name, days(first, last), run) for name in ("flights", "weather")]

    return load


@pytest.fixture
def batch_only(tmp_path: Path, fresh_database: Callable[[], str]) -> Iterator[Workspace]:
    """A second, empty installation that never hears of a stream."""
    opened = Workspace(Settings(_env_file=None, home=tmp_path / "batch", database_url=SecretStr(fresh_database())))
    opened.ledger.create()
    yield opened
    opened.engine.dispose()
