"""A process that closed its clients ends with 0, with the lake's library loaded beside them: no abort at the exit."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

HERE = Path(__file__).parent


def end(process):
    """Return what a process wrote on standard output, having asserted that it ended well."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, f"{process.args} ended with {process.returncode}: {err}"
    assert "abort" not in err.lower()
    assert "core dumped" not in err
    assert "panicked" not in err
    return out


@pytest.fixture
def start():
    """Return a function that starts a script; what still runs after the test is killed."""
    with ExitStack() as opened:

        def start_(script, argument):
            command = [sys.executable, HERE / script, argument]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            opened.enter_context(process)
            opened.callback(process.kill)
            return process

        yield start_


@pytest.mark.timeout(300)
def test_processes_end_with_0_after_their_clients_are_closed(ground_of, start, tmp_path, rounds):
    """A drain from real JetStream, and Kafka's client (at librdkafka's double) beside a Delta table, end cleanly."""
    ground = ground_of("weather")
    ground.publish(ground.told("2013-02-01", "2013-02-01"))
    for turn in range(int(rounds(1, 5))):
        # Side by side: most of the time goes by in imports.
        drain = start("drain_once.py", json.dumps(ground.settings_of(f"lake-{turn}")))
        kafka = [start("kafka_once.py", str(tmp_path / f"table-{turn}-{number}")) for number in range(2)]
        assert [end(process) for process in kafka] == ["a", "a"]
        assert end(drain) == "published"
        assert ground.records("weather", f"lake-{turn}")


@pytest.mark.timeout(600)
def test_processes_that_read_end_with_0(ground_of, tmp_path, rounds):
    """Who reads a table and leaves at once ends with 0: no thread of Arrow's holds a Python object any more.

    One in two to one in fifteen ended by SIGABRT where Arrow read through a file system that is written in Python.
    """
    ground = ground_of("weather")
    ground.publish(ground.told("2013-02-01", "2013-02-01"))
    # Many files: the more threads read, the more of them are not done when the last row is there.
    ground.drain(batch=5)
    (until := tmp_path / "until").touch()
    for _ in range(int(rounds(2, 150))):
        readers = [ground.start_working("read", until=str(until), table="events_weather") for _ in range(4)]
        assert [(reader.wait(), reader.stderr()) for reader in readers] == [(0, "")] * 4
        assert [reader.outcomes for reader in readers] == [[{"reads": 1}]] * 4


def test_forked_processes_end_with_0_as_well(ground_of):
    """So does a process that was forked from one that holds the libraries, as Airflow's workers are."""
    ground = ground_of("weather")
    ground.publish(ground.told("2013-02-01", "2013-02-01"))
    process = ground.start_drain(batch=20)
    assert (process.wait(), process.stderr()) == (0, "")
