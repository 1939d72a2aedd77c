"""Shows that streams end as the files: events with faults, drains killed at random, and a batch-only lake beside it.

It has servers and lakes of its own below the installation's home, on ports that are free, so that the installation is
never touched. Carrying files through the whole chain belongs in `catena.platform.demonstration`.
"""

from __future__ import annotations

import fcntl
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import URL

from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.streaming.evidence import StreamCount, TableCount, compare_tables, count_stream, fed_datasets
from catena.chain.streaming.reconcile import reconcile_days
from catena.database import database_url
from catena.declaration import SqlSource, UseCase
from catena.partitions import days
from catena.platform import demonstration, installation, postgres, processes
from catena.platform.errors import PlatformError
from catena.platform.stream_children import KilledDrains, Replay
from catena.run import Run
from catena.settings import Settings
from catena.streams.replay import Faults
from catena.workspace import Workspace

FOLDER = "stream-demo"
FAULTS = Faults(shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01)
# A fast replay may be over before as many drains had their turn.
_LEAST_KILLS = 3
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Shown:
    """What the demonstration came to.

    Attributes:
        sent: messages that the replay sent, by kind.
        kills: drains that died by SIGKILL.
        drains: drains that came to their end.
        streams: records at the broker and in the tables.
        by_events: the tables that events alone made, before any file, beside those of the batch load.
        tables: the tables in the end, beside those of the batch load.
        reconciled: what the ledger says of each table and day: EQUAL or DIFFERENT.
        home: where the lake lies.
    """

    sent: dict[str, int]
    kills: int
    drains: int
    streams: list[StreamCount]
    by_events: list[TableCount]
    tables: list[TableCount]
    reconciled: dict[str, dict[str, str]]
    home: Path

    @property
    def is_equal(self) -> bool:
        """Whether nothing was lost or doubled, and streams and files came to the same."""
        said = {decision for by_day in self.reconciled.values() for decision in by_day.values()}
        return (
            all(stream.is_whole for stream in self.streams)
            and sum(stream.at_broker for stream in self.streams) == sum(self.sent.values())
            and all(table.is_equal and table.rows for table in self.tables)
            and said == {"EQUAL"}
        )


def demonstrate(
    settings: Settings,
    usecase: UseCase,
    first: str,
    last: str,
    *,
    speed: float,
    announce: Announce = lambda _: None,
) -> Shown:
    """Let the events of some days flow through a broker while their drains are killed, and compare with the files.

    Args:
        settings: the installation; below its home everything is made anew.
        usecase: the use case.
        first: first day.
        last: last day.
        speed: seconds of history for each second.
        announce: is told of the progress.

    Raises:
        PlatformError: another demonstration runs, or a child failed by itself; the message holds its output.
    """
    wanted = days(first, last)
    with _servers(settings, announce) as own, ExitStack() as opened:
        streamed, batch = _opened(own, opened), _opened(_batch_only(own), opened)
        drains = KilledDrains(streamed, usecase, announce)
        with Replay(own, usecase, (first, last), speed, FAULTS) as replay:
            while replay.is_running() or drains.kills < _LEAST_KILLS:
                drains.run_one()
        sent = replay.sent()
        drains.run_to_the_end()
        announce("the batch-only lake is loaded from the files")
        demonstration.deliver(own, usecase, first, last)
        _ingest(batch, own, usecase, wanted)
        by_events = compare_tables(usecase, streamed, batch)
        announce("the files are ingested over what the events told, and reconciled with it")
        _ingest(streamed, own, usecase, wanted)
        reconcile_days(streamed, usecase, wanted, _run(usecase, "reconcile"))
        return Shown(
            sent, drains.kills, drains.completed,
            [count_stream(streamed, usecase, stream) for stream in usecase.streams],
            by_events, compare_tables(usecase, streamed, batch), _reconciled(streamed, usecase), own.home,
        )  # fmt: skip


@contextmanager
def _servers(settings: Settings, announce: Announce) -> Iterator[Settings]:
    """Start a PostgreSQL and a NATS server in an empty home of their own, and stop them."""
    home = settings.home.resolve() / FOLDER
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{FOLDER}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PlatformError(f"another demonstration of streams runs in {home}; wait for its end") from error
        postgres_port, nats_port = _free_ports(2)
        own = settings.model_copy(update=_NOTHING_ELSEWHERE | {
            "home": home, "postgres_port": postgres_port, "nats_port": nats_port,
        })  # fmt: skip
        _stop(own)
        if home.exists():
            shutil.rmtree(home)
        home.mkdir()
        try:
            announce("a PostgreSQL and a NATS server of its own start")
            installation.start_postgres(own)
            installation.start_nats(own)
            yield own
        finally:
            _stop(own)


# What an installation may have set to places outside its home.
_NOTHING_ELSEWHERE: dict[str, Any] = {
    "database_url": None, "lake_url": None, "lake_storage_options": {}, "landing_url": None, "pages_dir": None,
    "broker": "nats", "broker_url": None, "broker_credentials": None,
    "schema_registry_url": None, "schema_registry_credentials": None,
}  # fmt: skip


def _stop(own: Settings) -> None:
    processes.stop(own, [installation.NATS, installation.POSTGRES])
    processes.kill(processes.orphans(own))


def _batch_only(own: Settings) -> Settings:
    """Return the settings of a lake that never hears of a stream: same files, a database and a folder of its own."""
    url = database_url(own, "catena").set(database="batch").render_as_string(hide_password=False)
    return own.model_copy(update={
        "home": own.home / "batch", "database_url": SecretStr(url), "landing_url": own.landing_root,
    })  # fmt: skip


def _opened(settings: Settings, opened: ExitStack) -> Workspace:
    postgres.create_databases(settings)
    workspace = Workspace(settings)
    opened.callback(workspace.engine.dispose)
    return workspace


def _ingest(workspace: Workspace, own: Settings, usecase: UseCase, wanted: list[str]) -> None:
    upstream: URL = database_url(own, "upstream")
    address = upstream.set(drivername="postgresql").render_as_string(hide_password=False)
    for dataset in fed_datasets(usecase):
        source = dataset.source
        connections = {source.connection: address} if isinstance(source, SqlSource) else {}
        ingest_dataset(workspace, usecase, dataset.name, wanted, _run(usecase, "ingest"), connections=connections)


def _run(usecase: UseCase, link: str) -> Run:
    return Run(usecase=usecase.name, link=link, run_id=f"stream_demo__{time.time_ns()}")


def _reconciled(workspace: Workspace, usecase: UseCase) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for entry in workspace.ledger.entries(usecase.name, kind="reconciliation"):
        found.setdefault(entry.subject, {})[entry.partition] = entry.decision
    return found


def _free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on."""
    with ExitStack() as probes:
        sockets = [probes.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
