"""An installation as a whole: which processes it has, in which order they start, when it is healthy, how it stops.

The mechanics of a process belong in `catena.platform.processes`, Airflow's options in `catena.platform.airflow`.
"""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from catena.database import database_url
from catena.declared import declared_usecases
from catena.platform import airflow, nats, postgres, processes, release
from catena.platform.api import AirflowApi
from catena.platform.errors import ComponentFailed
from catena.platform.ports import check_ports
from catena.platform.preload import SWITCH
from catena.platform.processes import Component
from catena.platform.secrets import write_private
from catena.settings import Settings

Announce = Callable[[str], None]
POSTGRES, NATS, MLFLOW, API = "postgres", "nats", "mlflow", "api-server"
# Name in the health answer of Airflow's API -> component.
AIRFLOW_PARTS = {"scheduler": "scheduler", "triggerer": "triggerer", "dag_processor": "dag-processor"}
ORDER = (POSTGRES, NATS, MLFLOW, API, *AIRFLOW_PARTS.values())
# The last to stop is the first that the others need.
_STOP_ORDER = (("scheduler", "dag-processor", "triggerer"), (API, MLFLOW), (NATS, POSTGRES))


@dataclass(frozen=True)
class ComponentStatus:
    """One component as `catena status` shows it."""

    name: str
    is_running: bool
    is_healthy: bool
    pid: int | None
    url: str | None
    log: str


def up(settings: Settings, announce: Announce = lambda _: None) -> None:
    """Start what is not running yet and wait until everything is healthy.

    Raises:
        PortTaken: another program has a port; the message names the setting.
        ComponentFailed: a component ended or did not become healthy; the message names its log.
    """
    settings.home.resolve().mkdir(parents=True, exist_ok=True)
    with _alone(settings):
        alive = set(processes.running(settings))
        processes.kill(processes.orphans(settings))
        check_ports(settings, [name for name in expected_components(settings) if name not in alive])
        if POSTGRES not in alive and settings.database_url is None:
            announce("starting PostgreSQL")
            start_postgres(settings)
        if NATS not in alive and nats.is_embedded(settings):
            announce("starting NATS")
            start_nats(settings)
        if "airflow" in postgres.create_databases(settings):
            (settings.home.resolve() / "run" / "airflow_migrated").unlink(missing_ok=True)
        release.record_installed(settings)
        airflow.prepare(settings)
        environment = airflow.environment(settings, declared_usecases())
        with ThreadPoolExecutor(2) as pool:
            migration = pool.submit(_migrate, settings, environment, announce)
            if MLFLOW not in alive and settings.tracking_uri is None:
                announce("starting MLflow")
                processes.start(settings, mlflow_component(settings, environment))
            migration.result()
        announce("starting Airflow")
        for component in airflow_components(settings, environment):
            if component.name not in alive:
                processes.start(settings, component)
        _wait_until_healthy(settings, announce)
        with AirflowApi(settings) as api:
            api.set_pool("training", settings.training_slots, "Trainings, which use a core each")


def start_postgres(settings: Settings) -> None:
    """Start the embedded server, creating its cluster at first, and wait until it answers."""
    postgres.prepare(settings)
    command = postgres.command(settings)
    minimal = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    # SIGINT is PostgreSQL's 'fast shutdown'; SIGTERM would wait for every client to leave.
    processes.start(settings, Component(POSTGRES, command, minimal, postgres.server_account(), signal.SIGINT))
    _wait(settings, POSTGRES, lambda: postgres.is_ready(settings))


def start_nats(settings: Settings) -> None:
    """Start the embedded broker and wait until it answers."""
    nats.prepare(settings)
    processes.start(settings, Component(NATS, nats.command(settings), {"PATH": "/usr/bin:/bin", "TZ": "UTC"}))
    _wait(settings, NATS, lambda: nats.is_ready(settings))


def down(settings: Settings, announce: Announce = lambda _: None) -> list[str]:
    """Stop everything, with all descendants; return the names of the components that were running."""
    was_running = [name for name in ORDER if name in processes.running(settings)]
    for names in _STOP_ORDER:
        announce(f"stopping {', '.join(names)}")
        processes.stop(settings, names)
    processes.kill(processes.orphans(settings))
    return was_running


def status(settings: Settings) -> list[ComponentStatus]:
    """Return each component's state, without waiting."""
    alive = processes.running(settings)
    parts = healthy_parts(settings) if API in alive else set()
    urls = {API: airflow.client_url(settings, settings.api_port), MLFLOW: settings.mlflow_uri}
    checks: dict[str, Callable[[], bool]] = {
        POSTGRES: lambda: postgres.is_ready(settings),
        NATS: lambda: nats.is_ready(settings),
        MLFLOW: lambda: _answers(f"{airflow.client_url(settings, settings.mlflow_port)}/health"),
    }
    return [
        ComponentStatus(
            name=name,
            is_running=name in alive,
            is_healthy=name in alive and (checks[name]() if name in checks else name in parts),
            pid=alive[name].pid if name in alive else None,
            url=urls.get(name) if name in alive else None,
            log=str(processes.log_file(settings, name)),
        )
        for name in expected_components(settings)
    ]


def expected_components(settings: Settings) -> list[str]:
    """Return the components that this installation starts itself."""
    elsewhere = {POSTGRES} if settings.database_url is not None else set()
    elsewhere |= set() if nats.is_embedded(settings) else {NATS}
    elsewhere |= {MLFLOW} if settings.tracking_uri is not None else set()
    return [name for name in ORDER if name not in elsewhere]


def mlflow_component(settings: Settings, environment: dict[str, str]) -> Component:
    """Return the MLflow server: runs and registry in PostgreSQL, artifacts in the installation's folder."""
    artifacts = settings.home.resolve() / "mlflow-artifacts"
    command = [sys.executable, "-m", "mlflow", "server", "--host", settings.host, "--port", str(settings.mlflow_port),
               "--workers", "1", "--serve-artifacts", "--artifacts-destination", artifacts.as_uri()]  # fmt: skip
    # The address holds a password: by environment, since anybody may read a command line.
    store = database_url(settings, "mlflow").render_as_string(hide_password=False)
    return Component(MLFLOW, command, {
        **environment,
        "MLFLOW_BACKEND_STORE_URI": store,
        # Judges of language models and their eight worker processes (1.8 GB) have no part here.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    })  # fmt: skip


def airflow_components(settings: Settings, environment: dict[str, str]) -> list[Component]:
    """Return Airflow's processes.

    Their own log servers stay off: they listen on all addresses, and the API server reads the files itself.
    """
    program = [sys.executable, "-m", "airflow"]
    warm = {**environment, SWITCH: "1"} if settings.warm_workers else environment
    return [
        Component("scheduler", [*program, "scheduler", "--skip-serve-logs"], warm),
        Component(API, [*program, "api-server"], environment),
        Component("dag-processor", [*program, "dag-processor"], environment),
        Component("triggerer", [*program, "triggerer", "--skip-serve-logs"], environment),
    ]


def healthy_parts(settings: Settings) -> set[str]:
    """Return Airflow's components that reported themselves since they were started."""
    answer = _get(f"{airflow.client_url(settings, settings.api_port)}/api/v2/monitor/health")
    if answer is None:
        return set()
    health: dict[str, Any] = answer.json()
    entries = processes.recorded(settings)
    healthy = {API}
    for part, name in AIRFLOW_PARTS.items():
        report = health.get(part) or {}
        beat = report.get(f"latest_{part}_heartbeat")
        if report.get("status") != "healthy" or not beat or name not in entries:
            continue
        # An old process's last heartbeat stays 'healthy' for half a minute.
        if datetime.fromisoformat(beat) >= datetime.fromtimestamp(entries[name].created_at, UTC):
            healthy.add(name)
    return healthy


def _migrate(settings: Settings, environment: dict[str, str], announce: Announce) -> None:
    """Bring Airflow's tables to this release, once for each release and database."""
    done = settings.home.resolve() / "run" / "airflow_migrated"
    stamp = f"{version('apache-airflow')} {environment['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN']}"
    if done.exists() and done.read_text(encoding="utf-8") == stamp:
        return
    announce("preparing Airflow's database")
    log = processes.log_file(settings, "migrate")
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("wb") as output:
        code = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"], env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, check=False,
        ).returncode  # fmt: skip
    if code:
        raise ComponentFailed(f"Airflow's database could not be prepared; log: {log}\n{processes.tail(log)}")
    write_private(done, stamp)


def _wait_until_healthy(settings: Settings, announce: Announce) -> None:
    waiting = set(expected_components(settings)) - {POSTGRES, NATS}
    deadline = time.monotonic() + settings.start_seconds
    health = f"{airflow.client_url(settings, settings.mlflow_port)}/health"
    while waiting:
        healthy = healthy_parts(settings) & waiting
        if MLFLOW in waiting and _answers(health):
            healthy.add(MLFLOW)
        for name in sorted(healthy):
            announce(f"{name} is healthy")
        waiting -= healthy
        for name in waiting:
            _raise_if_dead(settings, name)
        if waiting and time.monotonic() > deadline:
            logs = ", ".join(str(processes.log_file(settings, name)) for name in sorted(waiting))
            raise ComponentFailed(
                f"{', '.join(sorted(waiting))} not healthy after {settings.start_seconds} s "
                f"(CATENA_START_SECONDS). Logs: {logs}"
            )
        time.sleep(0.3 if waiting else 0)


def _wait(settings: Settings, name: str, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + settings.start_seconds
    while not is_ready():
        _raise_if_dead(settings, name)
        if time.monotonic() > deadline:
            raise ComponentFailed(f"{name} is not ready after {settings.start_seconds} s; log: "
                                  f"{processes.log_file(settings, name)}")  # fmt: skip
        time.sleep(0.05)


def _raise_if_dead(settings: Settings, name: str) -> None:
    if processes.recorded(settings)[name].process() is None:
        log = processes.log_file(settings, name)
        raise ComponentFailed(f"{name} ended while it started; log: {log}\n{processes.tail(log)}")


def _answers(url: str) -> bool:
    return _get(url) is not None


def _get(url: str) -> httpx.Response | None:
    # A client costs 0.1 CPU seconds (certificates), which the starting components need themselves.
    try:
        answer = _client().get(url)
    except httpx.HTTPError:
        return None
    return answer if answer.status_code == 200 else None


@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=5, trust_env=False, verify=False)  # noqa: S501 - plain http, to our own servers


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let one process at a time start things in an installation; a second one waits."""
    lock = Path(settings.home.resolve() / "up.lock")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
