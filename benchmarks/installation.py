"""A throw-away installation that a benchmark runs `catena` in, and what its processes used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import create_engine, text

from catena.database import database_url
from catena.platform.processes import recorded, running
from catena.settings import Settings

CATENA = Path(sys.executable).with_name("catena")
PORTS = ("API_PORT", "MLFLOW_PORT", "POSTGRES_PORT", "NATS_PORT", "WORKER_LOG_PORT", "TRIGGERER_LOG_PORT")


@dataclass
class Usage:
    """Peak memory (proportional set size, MiB) and CPU seconds, by component."""

    peak_mib: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu_seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Installation:
    """An installation in a folder of its own, with free ports."""

    home: Path
    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        """Settings as the installation's processes read them."""
        fields = {name[7:].lower(): value for name, value in self.environment.items() if name.startswith("CATENA_")}
        return Settings(_env_file=None, **fields)  # type: ignore[arg-type]

    def catena(self, *arguments: str) -> float:
        """Run a command of the installation and return its wall seconds."""
        start = time.perf_counter()
        log = self.home / "benchmark.log"
        with log.open("ab") as output:
            code = subprocess.call([str(CATENA), *arguments], env=self.environment, stdout=output, stderr=output)
        if code:
            raise RuntimeError(f"catena {' '.join(arguments)} ended with {code}:\n{log.read_text()[-3000:]}")
        return time.perf_counter() - start

    def task_runs(self) -> tuple[int, float, dict[str, tuple[int, float]]]:
        """Return task runs, wall seconds from the first to the last, and runs and mean seconds by link."""
        engine = create_engine(database_url(self.settings, "airflow"))
        with engine.connect() as connection:
            total = connection.execute(
                text(
                    "SELECT count(*), extract(epoch FROM max(end_date) - min(start_date)) FROM task_instance "
                    "WHERE start_date IS NOT NULL AND duration > 0"
                )
            ).one()
            links = connection.execute(
                text(
                    "SELECT split_part(dag_id, '.', 2), count(*), avg(duration) FROM task_instance "
                    "WHERE duration > 0 GROUP BY 1 ORDER BY 1"
                )
            ).all()
        engine.dispose()
        return int(total[0]), float(total[1]), {link: (int(count), float(mean)) for link, count, mean in links}


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on, all different."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in servers]
    for server in servers:
        server.close()
    return ports


@contextmanager
def installation(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """Yield an installation in `folder`, stopped at the end."""
    folder.mkdir(parents=True)
    ports = {f"CATENA_{name}": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CATENA_", "PYTHONDONT"))}
    made = Installation(folder, {**inherited, **ports, "CATENA_HOME": str(folder), **(variables or {})})
    try:
        yield made
    finally:
        subprocess.call([str(CATENA), "down"], env=made.environment, stdout=subprocess.DEVNULL)


@contextmanager
def watched(made: Installation, every_seconds: float = 10.0) -> Iterator[Usage]:
    """Yield what the installation's processes use while the block runs.

    Not looked at more often: adding up the pages of some twenty processes costs a third of a second.
    """
    usage, stop = Usage(), threading.Event()

    def look() -> None:
        while not stop.wait(every_seconds):
            for component, entry in recorded(made.settings).items():
                process = entry.process()
                if process is None:
                    continue
                try:
                    family = [process, *process.children(recursive=True)]
                    resident = sum(_proportional_mib(member) for member in family)
                    spent = _cpu_seconds(family)
                except psutil.NoSuchProcess:
                    continue
                usage.peak_mib[component] = max(usage.peak_mib[component], resident)
                usage.cpu_seconds[component] = max(usage.cpu_seconds.get(component, 0.0), spent)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        stop.set()
        thread.join()


def cpu_seconds(made: Installation) -> dict[str, float]:
    """Return the CPU seconds that each living component and its children have used since they were started."""
    alive = running(made.settings)
    return {name: _cpu_seconds([process, *process.children(recursive=True)]) for name, process in alive.items()}


def _cpu_seconds(family: list[psutil.Process]) -> float:
    spent = 0.0
    for member in family:
        with suppress(psutil.NoSuchProcess):
            times = member.cpu_times()
            # Tasks that have ended are among their worker's children's seconds.
            spent += times.user + times.system + times.children_user + times.children_system
    return spent


def _proportional_mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 2**20
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
