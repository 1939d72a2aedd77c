"""The children of the demonstration of streams: a replay, and drains that die by SIGKILL.

They do what `catena stream replay` and `catena stream drain --until-idle` do, forked from a process that has loaded the
libraries already: so a kill meets work, not imports. What they show belongs in `catena.platform.stream_demonstration`.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from catena.chain.streaming.drain import drain
from catena.chain.streaming.landing import Limits
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.platform import processes
from catena.platform.errors import PlatformError
from catena.run import Run
from catena.settings import Settings
from catena.streams.replay import Faults, replay_history
from catena.workspace import Workspace

# Small, so that a drain makes many commits that a kill can meet.
_BATCH = 50
# A drain lives at most so long before it is killed, seconds; it takes about one to land and merge what came.
_LIFE_S = 5.0


class Replay:
    """Tells the history of some days, in a process that ends with the block at the latest."""

    def __init__(
        self, settings: Settings, usecase: UseCase, days: tuple[str, str], speed: float, faults: Faults
    ) -> None:
        self._settings = settings
        self._process = _start(settings, "replay", _replay, (usecase.name, days, speed, faults))

    def __enter__(self) -> Replay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.join()

    def is_running(self) -> bool:
        """Return whether it still sends."""
        return self._process.is_alive()

    def sent(self) -> dict[str, int]:
        """Return the messages that were sent, by kind, once it has ended.

        Raises:
            PlatformError: it failed; the message holds its error.
        """
        _check(self._settings, "replay", self._process)
        sent: dict[str, int] = json.loads(_result(self._settings).read_text(encoding="utf-8"))
        return sent


class KilledDrains:
    """Drains the streams until they are idle, in a process of its own, again and again, killed at work.

    Attributes:
        kills: how many died by SIGKILL.
        completed: how many came to their end.
    """

    def __init__(self, workspace: Workspace, usecase: UseCase, announce: Callable[[str], None]) -> None:
        self.kills = 0
        self.completed = 0
        self._workspace = workspace
        self._usecase = usecase
        self._announce = announce

    def run_one(self) -> None:
        """Run a drain, and kill it at a random moment unless it finds nothing more to do before."""
        self._run(random.uniform(0, _LIFE_S))  # noqa: S311 - no secret hangs on it

    def run_to_the_end(self) -> None:
        """Run a drain that takes all that is left."""
        self._run(None)

    def _run(self, kill_after_s: float | None) -> None:
        settings = self._workspace.settings
        process = _start(settings, "drain", _drain, (self._usecase.name,))
        try:
            process.join(kill_after_s)
        finally:
            process.kill()
            process.join()
        if process.exitcode == -signal.SIGKILL:
            self.kills += 1
        else:
            _check(settings, "drain", process)
            self.completed += 1
        self._announce(f"events flow: {self._landed()} records landed, {self.kills} drains killed")

    def _landed(self) -> int:
        lake = self._workspace.lake(self._usecase)
        return sum(sum(lake.row_counts(stream.table).values()) for stream in self._usecase.streams)


def _start(settings: Settings, name: str, work: Callable[..., None], arguments: tuple[Any, ...]) -> ForkServerProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_logged, args=(settings, name, work, arguments), daemon=True)
    process.start()
    return process


def _check(settings: Settings, name: str, process: ForkServerProcess) -> None:
    if process.exitcode:
        log = processes.log_file(settings, name)
        raise PlatformError(f"a {name} ended with {process.exitcode}; log: {log}\n{processes.tail(log)}")


def _logged(settings: Settings, name: str, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Do a child's work; an error goes to its log, for the parent to tell."""
    # A semaphore that a killed child had made by name would be cleaned up, and warned of, at the parent's end.
    multiprocessing.set_start_method("fork", force=True)
    # Not closed before the process ends: its traceback is written last.
    sys.stderr = processes.log_file(settings, name).open("a", encoding="utf-8", buffering=1)
    work(settings, *arguments)


def _replay(settings: Settings, usecase: str, days: tuple[str, str], speed: float, faults: Faults) -> None:
    progress = replay_history(settings, declared_usecase(usecase), days, speed=speed, faults=faults)
    _result(settings).write_text(json.dumps(progress.sent), encoding="utf-8")


def _result(settings: Settings) -> Path:
    return settings.home / "replay.json"


def _drain(settings: Settings, usecase: str) -> None:
    run = Run(usecase=usecase, link="stream", run_id=f"stream_demo__{time.time_ns()}")
    drain(Workspace(settings), declared_usecase(usecase), run, Limits(_BATCH), until_idle=True)
