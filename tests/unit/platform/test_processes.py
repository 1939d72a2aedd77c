"""Starting, recording and stopping processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from catena.platform import processes
from catena.platform.processes import Component
from catena.settings import Settings

# A parent that ignores SIGTERM, a child in a group of its own, and a grandchild whose parent ends at once.
FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pids = []
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    grandchild = os.fork()
    if grandchild == 0:
        grand = os.fork()
        if grand == 0:
            open(sys.argv[1] + ".orphan", "w").write(str(os.getpid()))
            time.sleep(600)
        os._exit(0)
    os.waitpid(grandchild, 0)
    open(sys.argv[1] + ".child", "w").write(str(os.getpid()))
    time.sleep(600)
open(sys.argv[1] + ".leader", "w").write(str(os.getpid()))
time.sleep(600)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """An installation of its own, whose processes are gone after the test."""
    settings = Settings(_env_file=None, home=tmp_path)
    yield settings
    processes.stop(settings, list(processes.recorded(settings)), patience_seconds=0.1)
    processes.kill(processes.orphans(settings))


def start(settings: Settings, name: str, code: str, *arguments: str) -> processes.Recorded:
    command = [sys.executable, "-c", code, *arguments]
    return processes.start(settings, Component(name, command, {"PATH": os.environ["PATH"]}))


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_for(*files: Path) -> None:
    deadline = time.monotonic() + 20
    while not all(file.exists() and file.read_text() for file in files):
        assert time.monotonic() < deadline, f"{files} did not appear"
        time.sleep(0.02)


def test_no_descendant_survives_a_stop(settings: Settings, tmp_path: Path) -> None:
    """A stop ends the leader that ignores it, a child in another group and a grandchild that lost its parent."""
    start(settings, "family", FAMILY, str(tmp_path / "pid"))
    files = [tmp_path / f"pid.{role}" for role in ("leader", "child", "orphan")]
    wait_for(*files)
    pids = [int(file.read_text()) for file in files]
    assert all(is_alive(pid) for pid in pids)
    processes.stop(settings, ["family"], patience_seconds=0.3)
    assert [pid for pid in pids if is_alive(pid)] == []
    assert processes.recorded(settings) == {}


def test_no_descendant_survives_a_leader_that_was_killed(settings: Settings, tmp_path: Path) -> None:
    """Where the leader was killed from outside, a stop still ends the rest of its session."""
    leader = start(settings, "family", FAMILY, str(tmp_path / "pid"))
    files = [tmp_path / f"pid.{role}" for role in ("leader", "child", "orphan")]
    wait_for(*files)
    psutil.Process(leader.pid).kill()
    processes.stop(settings, ["family"], patience_seconds=0.3)
    assert [file.name for file in files if is_alive(int(file.read_text()))] == []


def test_a_strangers_process_under_a_recorded_id_is_never_touched(settings: Settings, tmp_path: Path) -> None:
    """A process id that was given to another program since is neither reported as running nor killed."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        record = {"scheduler": {"pid": stranger.pid, "created_at": 1.0, "stop_signal": 15}}
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "processes.json").write_text(json.dumps(record))
        assert processes.running(settings) == {}
        processes.stop(settings, ["scheduler"], patience_seconds=0.1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_orphan_is_known_by_the_installations_mark(settings: Settings, tmp_path: Path) -> None:
    """A process whose record is lost is found by its environment; that of another installation is not."""
    mine = start(settings, "lost", "import time; time.sleep(600)")
    other = Settings(_env_file=None, home=tmp_path / "other")
    other.home.mkdir()
    theirs = start(other, "kept", "import time; time.sleep(600)")
    (tmp_path / "run" / "processes.json").unlink()
    try:
        assert [process.pid for process in processes.orphans(settings)] == [mine.pid]
    finally:
        processes.stop(other, ["kept"])
    assert not is_alive(theirs.pid)


def test_the_log_holds_what_a_process_says(settings: Settings) -> None:
    """Standard output and standard error of a component go to its log, and its tail to error messages."""
    start(settings, "speaker", "import sys; print('one', flush=True); print('two', file=sys.stderr)")
    log = processes.log_file(settings, "speaker")
    deadline = time.monotonic() + 20
    while "two" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes.tail(log, 1) == "two"
    assert log.read_text().splitlines() == ["one", "two"]
