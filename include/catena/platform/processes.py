"""Processes of an installation: started in their own session, recorded, and stopped with all their descendants.

Which processes an installation has, and in which order they start, belongs in `catena.platform.installation`.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from catena.platform.secrets import write_private
from catena.settings import Settings

# A component's log that has grown beyond this is set aside as `<name>.log.1` when the component starts again.
LOG_BYTES = 20_000_000
# Names the installation in each process that it starts; its orphans are found by it.
MARK = "CATENA_INSTALLATION"


@dataclass(frozen=True)
class Component:
    """A process to start."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    user: str | None = None
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True)
class Recorded:
    """A process that was started; the time of its creation tells it from a later process of the same id."""

    name: str
    pid: int
    created_at: float
    stop_signal: int

    def process(self) -> psutil.Process | None:
        """Return the living process, None where it has ended or the id belongs to another process by now."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created_at) > 0.05 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process


def log_file(settings: Settings, name: str) -> Path:
    """Return the log of a component."""
    return settings.home.resolve() / "logs" / f"{name}.log"


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def start(settings: Settings, component: Component) -> Recorded:
    """Start a component in a session of its own and record it."""
    log = log_file(settings, component.name)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            component.command,
            env={**component.environment, MARK: mark(settings)},
            cwd=settings.home.resolve() if component.user is None else "/",
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, **as_account(component.user),
        )  # fmt: skip
    created_at = psutil.Process(process.pid).create_time()
    entry = Recorded(component.name, process.pid, created_at, int(component.stop_signal))
    _write(settings, {**recorded(settings), component.name: entry})
    # The process outlives this one on purpose; without this, its garbage collection warns.
    process.returncode = 0
    return entry


def as_account(user: str | None) -> dict[str, Any]:
    """Return the arguments of `subprocess` that run a program as a system user, without our groups."""
    if user is None:
        return {}
    # With our group kept, the group's permissions would apply to it, not those of others.
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def recorded(settings: Settings) -> dict[str, Recorded]:
    """Return the recorded processes by component, running or not."""
    file = _file(settings)
    if not file.exists():
        return {}
    return {name: Recorded(name=name, **entry) for name, entry in json.loads(file.read_text(encoding="utf-8")).items()}


def running(settings: Settings) -> dict[str, psutil.Process]:
    """Return the living processes by component."""
    found = {name: entry.process() for name, entry in recorded(settings).items()}
    return {name: process for name, process in found.items() if process is not None}


def stop(settings: Settings, names: Iterable[str], *, patience_seconds: float = 15.0) -> None:
    """Stop components with all their descendants: ask, wait, then kill."""
    entries = recorded(settings)
    chosen = [entries[name] for name in names if name in entries]
    family = [process for entry in chosen for process in _family(entry)]
    for entry in chosen:
        if process := entry.process():
            _signal(process, entry.stop_signal)
    _wait_until_gone([process for entry in chosen if (process := entry.process())], patience_seconds)
    # Whoever was born meanwhile, or lost its parent, still belongs to the session.
    kill({*family, *(process for entry in chosen for process in _family(entry))})
    if chosen:
        _write(settings, {name: entry for name, entry in entries.items() if entry not in chosen})


def orphans(settings: Settings) -> list[psutil.Process]:
    """Return living processes that carry this installation's mark and are no component's descendant."""
    known = {process.pid for entry in recorded(settings).values() for process in _family(entry)}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in known and process.environ().get(MARK) == mark(settings) and _is_alive(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            # It ended while we looked, or belongs to somebody else: not ours either way.
            continue
    return [process for process in found if process.pid != os.getpid()]


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes and wait until they are gone."""
    victims = [process for process in processes if _is_alive(process)]
    for process in victims:
        _signal(process, signal.SIGKILL)
    _wait_until_gone(victims, 5.0)


def mark(settings: Settings) -> str:
    """Return what names this installation among all on the machine."""
    return str(settings.home.resolve())


def _family(entry: Recorded) -> list[psutil.Process]:
    """Return a component's process, its descendants, and what else lives in its session."""
    leader = entry.process()
    members: list[psutil.Process] = []
    if leader is not None:
        try:
            members = [leader, *leader.children(recursive=True)]
        except psutil.NoSuchProcess:
            # It ended between the two looks; its session is searched below.
            members = []
    elif psutil.pid_exists(entry.pid) and psutil.Process(entry.pid).create_time() > entry.created_at + 0.05:
        # The id is another process's by now, and so is the session of that number.
        return []
    seen = {process.pid for process in members}
    for process in psutil.process_iter():
        try:
            if process.pid not in seen and os.getsid(process.pid) == entry.pid and _is_alive(process):
                members.append(process)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            continue
    return members


def _wait_until_gone(victims: Iterable[psutil.Process], seconds: float) -> None:
    # psutil's own wait also waits for somebody to reap a zombie, which in a container may be nobody.
    waiting, deadline = list(victims), time.monotonic() + seconds
    while (waiting := [process for process in waiting if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _file(settings: Settings) -> Path:
    return settings.home.resolve() / "run" / "processes.json"


def _write(settings: Settings, entries: Mapping[str, Recorded]) -> None:
    content = {
        name: {"pid": entry.pid, "created_at": entry.created_at, "stop_signal": entry.stop_signal}
        for name, entry in entries.items()
    }
    write_private(_file(settings), json.dumps(content, indent=2) + "\n")
