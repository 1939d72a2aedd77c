"""One running installation for these tests: PostgreSQL, MLflow, Airflow, and a window of flights carried through."""

from __future__ import annotations

import importlib
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from catena.database import database_url
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.environments import Approval
from catena.partitions import days
from catena.platform import installation
from catena.platform.airflow import ADMIN, upstream_connections
from catena.platform.api import AirflowApi
from catena.platform.cascade import LINKS, Cascade
from catena.platform.postgres import create_databases
from catena.platform.secrets import password
from catena.settings import Settings
from catena.workspace import Workspace

FIRST, LAST = "2013-01-01", "2013-02-03"
DAILY_TABLES = ("schedule", "outcomes", "weather", "features", "predictions", "health")


@dataclass
class Chain:
    """A running installation and the use case that runs on it, from the first day to the last."""

    settings: Settings
    workspace: Workspace
    usecase: UseCase
    api: AirflowApi
    failures: list[Any] = field(default_factory=list)
    scheduled: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """Content identities after the first backfill, by table and day."""
    first: str = FIRST
    last: str = LAST

    def dag(self, link: str) -> str:
        """Return the id of a link's DAG."""
        return f"{self.usecase.name}.{link}"

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs of all links."""
        return self.api.runs([self.dag(link) for link in (*LINKS, "reference")])

    def cascade(self, start: Any) -> list[Any]:
        """Start something, wait until everything that follows from it rests, and return the tasks that failed."""
        cascade = Cascade(self.settings, self.api, self.usecase.name, begun_at=datetime.now(UTC))
        start()
        cascade.follow(lambda _: None, timeout_seconds=1000)
        return cascade.failures()

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON answer of Airflow's API."""
        answer = httpx.get(f"{self.api.url}/api/v2/{path}", params=query, headers=self.login(), timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def login(self) -> dict[str, str]:
        """Return the header of somebody who is logged in."""
        who = {"username": ADMIN, "password": password(self.settings, "admin_password")}
        token = httpx.post(f"{self.api.url}/auth/token", json=who, timeout=30).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on, all different."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def deliver(settings: Settings, usecase: UseCase, first: str, last: str) -> None:
    """Let the use case's upstream systems deliver a window."""
    module, function = usecase.exporter.split(":")
    upstream = database_url(settings, "upstream")
    getattr(importlib.import_module(module), function)(settings.landing_root, upstream, first, last)


# Of the package, not of the session: beside all other tests its scheduler would go on costing a share of a core.
@pytest.fixture(scope="package")
def installed(outlived_by_none: Callable[[Path], None]) -> Iterator[Settings]:
    """An installation that runs on free ports in a folder of its own."""
    postgres, nats, mlflow, api, worker_log, triggerer_log = free_ports(6)
    # Not below pytest's folder: another session of pytest would close that to the server's account.
    home = Path(mkdtemp(prefix="catena-chain-"))
    outlived_by_none(home)
    settings = Settings(
        _env_file=None, home=home, postgres_port=postgres, nats_port=nats, mlflow_port=mlflow, api_port=api,
        worker_log_port=worker_log, triggerer_log_port=triggerer_log, start_seconds=600,
        # The flights run alone; of the other use case nobody's silence is waited for longer than 30 s.
        approval=Approval(required=True, usecases=("seattle_weather",), hours=30 / 3600),
    )  # fmt: skip
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL", "1")
            installation.up(settings)
        yield settings
    finally:
        installation.down(settings)
        shutil.rmtree(home)


@pytest.fixture(scope="package")
def chain(installed: Settings) -> Iterator[Chain]:
    """The flights of 34 days across a month's end, carried through the whole chain by one backfill."""
    usecase, workspace = declared_usecase("flight_delays"), Workspace(installed)
    workspace.ledger.create()
    deliver(installed, usecase, FIRST, LAST)
    with AirflowApi(installed) as api:
        chain = Chain(installed, workspace, usecase, api)
        _wait_for_dags(chain)
        for link in ("reference", "ingest"):
            api.unpause(chain.dag(link))
        _wait_for_reference(chain)
        chain.failures = chain.cascade(lambda: api.backfill(chain.dag("ingest"), FIRST, LAST, reprocess="none"))
        lake, window = workspace.lake(usecase), days(FIRST, LAST)
        chain.scheduled = {name: lake.contents(name, window) for name in DAILY_TABLES}
        yield chain
    workspace.engine.dispose()


@pytest.fixture
def deliver_more(chain: Chain) -> Callable[[str, str], None]:
    """Return a function that delivers further days to the running installation."""
    return lambda first, last: deliver(chain.settings, chain.usecase, first, last)


def _wait_for_dags(chain: Chain) -> None:
    deadline = time.monotonic() + 300
    while not {chain.dag(link) for link in (*LINKS, "reference")} <= chain.api.dag_ids():
        assert time.monotonic() < deadline, chain.api.import_errors()
        time.sleep(0.5)


def _wait_for_reference(chain: Chain) -> None:
    deadline, dag_id = time.monotonic() + 400, chain.dag("reference")
    while not chain.api.run_states([dag_id]).get(dag_id, {}).get("success"):
        assert time.monotonic() < deadline, "the reference data did not arrive"
        time.sleep(0.5)


@pytest.fixture
def elsewhere(installed: Settings, tmp_path: Path) -> Iterator[Workspace]:
    """Another, empty workspace without a scheduler, to which the same days were delivered."""
    with _without_scheduler(installed, tmp_path, FIRST, LAST) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def quarter(postgres_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace without a scheduler, to which January to March were delivered."""
    with _without_scheduler(postgres_settings, tmp_path_factory.mktemp("quarter"), FIRST, "2013-03-31") as workspace:
        yield workspace


@contextmanager
def _without_scheduler(server: Settings, home: Path, first: str, last: str) -> Iterator[Workspace]:
    """Yield a workspace on databases of its own beside those of a running installation; MLflow keeps a file."""
    beside = database_url(server, "catena").set(database=f"catena_{home.name.replace('-', '_')}")
    settings = Settings(
        _env_file=None, home=home, database_url=SecretStr(beside.render_as_string(hide_password=False)),
        tracking_uri=f"sqlite:///{home}/mlflow.db",
    )  # fmt: skip
    create_databases(settings)
    usecase = declared_usecase("flight_delays")
    deliver(settings, usecase, first, last)
    with pytest.MonkeyPatch.context() as patch:
        for name, address in upstream_connections(settings, [usecase]).items():
            patch.setenv(name, address)
        workspace = Workspace(settings)
        yield workspace
        workspace.engine.dispose()
