"""A broker and a lake of its own for each test, and processes that drain and can be killed.

With CATENA_FAULT_ROUNDS=full the kills are as many, and the broker is gone for as long, as the specification of the
streams asks for; without it they are fewer, so that all of them fit into every run of the tests.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from catena.chain.streaming.landing import Limits
from catena.chain.streaming.news import record_heard
from catena.chain.streaming.stream import drain_streams
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.platform import installation, processes
from catena.run import Outcome, Run
from catena.settings import Settings
from catena.streams.codec import Codec
from catena.streams.connect import open_log
from catena.streams.event import Event
from catena.streams.replay import Delivery, Faults, deliveries, replay
from catena.workspace import Workspace
from usecases.flight_delays.history import history

WORKER = Path(__file__).parent / "worker.py"
FULL = os.environ.get("CATENA_FAULT_ROUNDS") == "full"
CLEAN = {"flights": ("schedule", "outcomes"), "weather": ("weather",)}
PATIENCE = 240.0


@pytest.fixture
def rounds() -> Callable[[float, float], float]:
    """Return a function that chooses between the usual and the full number."""
    return lambda usual, full: full if FULL else usual


@dataclass
class Process:
    """One process that works, as it was ordered; what it said is read in the order in which it said it."""

    said: queue.SimpleQueue[dict[str, Any]]
    stderr_file: Path
    pid: int = 0
    code: int | None = None
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    _begun: bool = False

    def wait_begun(self) -> None:
        """Wait until its imports and settings are behind it and its work begins; one that ended before is no error."""
        while not (self._begun and self.pid) and self.code is None:
            self.take()

    def kill(self) -> None:
        """SIGKILL; one that has ended is no error."""
        try:
            psutil.Process(self.pid).kill()
        except psutil.NoSuchProcess:
            return

    def wait(self) -> int:
        """Return the exit code, negative where a signal ended it."""
        while self.code is None:
            self.take()
        return self.code

    def stderr(self) -> str:
        """Return what it wrote on standard error."""
        return self.stderr_file.read_text(errors="replace")

    def take(self) -> None:
        """Wait for one line that it says."""
        line = self.said.get(timeout=PATIENCE)
        self.pid = line.get("pid", self.pid)
        self.code = line.get("exit", self.code)
        self.error = line.get("error", self.error)
        self._begun = self._begun or "begun" in line
        if "outcome" in line:
            self.outcomes.append(line["outcome"])


class Workers:
    """Starts processes from one that has the imports behind it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count(1)
        self._said: dict[int, queue.SimpleQueue[dict[str, Any]]] = {0: queue.SimpleQueue()}
        self._parent = subprocess.Popen([sys.executable, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, **order: Any) -> Process:
        """Start a process; see `worker.py` for what can be ordered."""
        number = next(self._numbers)
        made = Process(self._said.setdefault(number, queue.SimpleQueue()), self._folder / f"{number}.err")
        line = json.dumps({"order": number, "stderr": str(made.stderr_file), **order}, default=str)
        self._parent.stdin.write(line.encode() + b"\n")
        self._parent.stdin.flush()
        return made

    def close(self) -> None:
        """End the parent, which holds nothing that is to be put in order; those that still work end by themselves."""
        self._parent.kill()
        self._parent.stdin.close()
        self._parent.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self._parent.stdout.close()

    def _read(self) -> None:
        for line in self._parent.stdout:
            said = json.loads(line)
            self._said[said["order"]].put(said)


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """What starts processes that drain; its imports take as long as the first test's set-up, and go on beside it."""
    made = Workers(tmp_path_factory.mktemp("workers"))
    yield made
    made.close()


@cache
def _history(first: str, last: str) -> tuple[Event, ...]:
    return tuple(history(first, last))


@dataclass
class Ground:
    """A broker, and lakes that are filled from it: the one under fire, and others that nothing disturbs."""

    settings: Settings
    usecase: UseCase
    workers: Workers
    _opened: dict[str, Workspace] = field(default_factory=dict)

    def told(self, first: str, last: str, **faults: float | bool) -> list[Delivery]:
        """Return what the history of days tells in the streams of the use case, in the order of its sending."""
        stream_of = {event.name: stream.name for stream in self.usecase.streams for event in stream.events}
        codecs = {stream.name: Codec(stream, self.usecase.folder) for stream in self.usecase.streams}
        told = (event for event in _history(first, last) if event.type in stream_of)
        return list(deliveries(told, codecs, stream_of, Faults(**faults)))

    def publish(self, told: Sequence[Delivery]) -> None:
        """Publish as fast as the broker takes it."""
        with ExitStack() as opened:
            logs = {
                stream.name: opened.enter_context(closing(open_log(self.settings, self.usecase.name, stream)))
                for stream in self.usecase.streams
            }
            replay(told, logs, 0)

    def workspace(self, lake: str = "lake") -> Workspace:
        """Return a workspace with a lake of this name."""
        if lake not in self._opened:
            self._opened[lake] = Workspace(self._with_lake(lake))
        return self._opened[lake]

    def close(self) -> None:
        """Disconnect from the database."""
        for workspace in self._opened.values():
            workspace.engine.dispose()

    def drain(self, lake: str = "lake", batch: int = 10_000) -> Outcome:
        """Drain once in this process."""
        run = Run("flight_delays", "stream", "here", code_version="test")
        return drain_streams(self.workspace(lake), self.usecase, run, Limits(batch=batch))

    def tell(self, outcome: Outcome, lake: str = "lake") -> None:
        """Record that downstream heard of what a drain changed, as the operator does."""
        run = Run("flight_delays", "stream", "here", code_version="test")
        record_heard(self.workspace(lake), self.usecase, run, outcome.details["heard"])

    def start_drain(self, lake: str = "lake", **order: Any) -> Process:
        """Start a process that drains, and wait until it begins."""
        made = self.start_working("drain", lake, **order)
        made.wait_begun()
        return made

    def start_working(self, work: str, lake: str = "lake", **order: Any) -> Process:
        """Start a process."""
        streams = [stream.name for stream in self.usecase.streams]
        return self.workers.start(work=work, settings=self.settings_of(lake), streams=streams, **order)

    def settings_of(self, lake: str) -> dict[str, Any]:
        """Return the settings with a lake as another process takes them."""
        found = self._with_lake(lake).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        database = self.settings.database_url
        return found | ({} if database is None else {"database_url": database.get_secret_value()})

    def records(self, stream: str, lake: str = "lake") -> list[dict[str, Any]]:
        """Return the records in the table of a stream, in the order of the log, without the time of their landing."""
        rows = self._rows(f"events_{stream}", lake)
        return sorted(rows, key=lambda row: (row["log"], row["log_partition"], row["log_offset"]))

    def clean(self, lake: str = "lake") -> dict[str, list[dict[str, Any]]]:
        """Return the rows of the clean tables and of the quarantine, without what belongs to a run."""
        tables = [table for stream in self.usecase.streams for table in CLEAN[stream.name]]
        return {table: self._rows(table, lake) for table in (*tables, "quarantine")}

    def assert_whole(self, lake: str = "lake") -> None:
        """Assert that each offset of each log is in its table once, and all is equal to what nothing disturbed made."""
        self.drain("undisturbed")
        for stream in self.usecase.streams:
            rows = self.records(stream.name, lake)
            with closing(open_log(self.settings, self.usecase.name, stream)) as log:
                offsets = list(range(log.begin_offset(0), log.end_offset(0)))
            assert [(row["log_partition"], row["log_offset"]) for row in rows] == [(0, offset) for offset in offsets]
            assert rows == self.records(stream.name, "undisturbed")
        assert self.clean(lake) == self.clean("undisturbed")
        assert all(rows for table, rows in self.clean(lake).items() if table != "quarantine")

    def _rows(self, name: str, lake: str) -> list[dict[str, Any]]:
        opened = self.workspace(lake).lake(self.usecase)
        kept = [column.name for column in opened.tables[name].columns if not column.is_volatile]
        return opened.read(name).select(kept).to_pylist()

    def _with_lake(self, lake: str) -> Settings:
        url = lake if lake.startswith("/") else str(self.settings.home / lake)
        return self.settings.model_copy(update={"lake_url": url})


@pytest.fixture
def ground_of(tmp_path: Path, fresh_database: Callable[[], str], workers: Workers) -> Iterator[Callable[..., Ground]]:
    """Return a function that starts a broker for some of the streams of the flights."""
    with ExitStack() as stopped:

        def make(*streams: str) -> Ground:
            declared = declared_usecase("flight_delays")
            usecase = declared.model_copy(update={"streams": tuple(s for s in declared.streams if s.name in streams)})
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            database = SecretStr(fresh_database())
            settings = Settings(_env_file=None, home=tmp_path, nats_port=port, database_url=database)
            installation.start_nats(settings)
            stopped.callback(processes.stop, settings, ["nats"])
            ground = Ground(settings, usecase, workers)
            stopped.callback(ground.close)
            ground.workspace().ledger.create()
            return ground

        yield make
