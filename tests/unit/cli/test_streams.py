"""The commands of streams: what they bring, what they show, and how a gap is accepted."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from catena.declared import declared_usecase
from catena.governance import Ledger
from catena.platform import airflow, installation, processes
from catena.settings import Settings
from catena.streams import open_log
from catena.streams.connect import TOKEN_FILE
from catena.streams.jetstream import JetStreamLog
from catena.workspace import Workspace

DAY = "2013-01-01"


Stream = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path, fresh_database: Callable[[], str]) -> Iterator[Settings]:
    """An installation whose broker runs, with a ledger."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = Settings(_env_file=None, home=tmp_path, database_url=SecretStr(fresh_database()), nats_port=port)
    workspace = Workspace(settings)
    Ledger(workspace.engine).create()
    workspace.engine.dispose()
    installation.start_nats(settings)
    yield settings
    processes.stop(settings, ["nats"])


@pytest.fixture
def stream(home: Settings, catena: Callable[..., Any]) -> Stream:
    """Return a function that runs `catena stream` for the installation."""
    return partial(catena, home.home, "stream", **airflow.settings_environment(home))


def replay(stream: Stream) -> int:
    """Publish a day, with copies, and return how many messages that were."""
    days = ("--from", DAY, "--to", DAY, "--speed", "0", "--duplicate", "0.05", "--json")
    done = stream("replay", "flight_delays", *days)
    assert done.returncode == 0, done.stderr
    return sum(json.loads(done.stdout)["sent"].values())


def test_a_drain_until_idle_takes_all_there_is(stream):
    """All records land, in bounded drains, the tables' days are told, and the next drain finds nothing."""
    sent = replay(stream)
    waiting = json.loads(stream("status", "flight_delays", "--json").stdout)
    assert sum(lag["records"] for each in waiting for lag in each["lags"]) == sent
    assert {each["p95_s"] for each in waiting} == {None}
    done = stream("drain", "flight_delays", "--until-idle", "--batch", "400", "--most", "1000", "--json")
    assert done.returncode == 0, done.stderr
    flights, weather = json.loads(done.stdout)["streams"]
    assert flights["records"] + weather["records"] == sent
    assert flights["commits"] == 8
    assert flights["changed"] == [DAY]
    again = json.loads(stream("drain", "flight_delays", "--json").stdout)["streams"]
    assert [(each["records"], each["changed"]) for each in again] == [(0, []), (0, [])]
    done = stream("status", "flight_delays", "--json")
    assert done.returncode == 0
    for each in json.loads(done.stdout):
        assert [lag["records"] for lag in each["lags"]] == [0]
        assert 0 < each["p50_s"] <= each["p95_s"] < 300
    assert sum(each["records"] for each in json.loads(done.stdout)) == sent


def test_a_gap_is_shown_and_accepted_by_name(stream, home):
    """Where retention has passed the table, drains stop with the command that goes on; the ledger keeps the reason."""
    assert stream("resume", "flight_delays", "weather", "--accept-gap", "--reason", "none").returncode == 2
    replay(stream)
    drained = stream("drain", "flight_delays", "--json")
    landed = json.loads(drained.stdout)["streams"][1]["records"]
    lose_all(home, and_so_many=10)
    stopped = stream("drain", "flight_delays")
    assert stopped.returncode == 1
    # The status shows the gap beside the stream that has none.
    status = stream("status", "flight_delays", "--json")
    found = json.loads(status.stdout)
    assert [(each["stream"], each["is_behind"]) for each in found] == [("flights", False), ("weather", True)]
    assert (status.returncode, found[1]["lags"][0]["missing"], found[0]["lags"][0]["fault"]) == (1, 10, "")
    text = " ".join(stream("status", "flight_delays").stdout.split())
    assert "10 offsets were removed before they were read" in text
    assert "catena stream resume flight_delays weather --accept-gap" in text
    assert "catena stream resume flight_delays weather --accept-gap --reason" in " ".join(stopped.stderr.split())
    shown = json.loads(stream("resume", "flight_delays", "weather", "--json").stdout)
    [gap] = shown["gaps"]
    assert (shown["is_accepted"], gap["from_offset"], gap["count"]) == (False, landed + 1, 10)
    assert stream("resume", "flight_delays", "weather", "--accept-gap").returncode == 2
    assert stream("resume", "flight_delays", "flights", "--accept-gap", "--reason", "x").returncode == 2
    done = stream("resume", "flight_delays", "weather", "--accept-gap", "--reason", "the files are loaded")
    assert done.returncode == 0, done.stderr
    assert stream("drain", "flight_delays").returncode == 0
    workspace = Workspace(home)
    [entry] = workspace.ledger.entries("flight_delays", kind="note", subject="events_weather")
    workspace.engine.dispose()
    assert (entry.decision, entry.payload["reason"]) == ("GAP_ACCEPTED", "the files are loaded")
    assert {name: entry.payload[name] for name in gap} == gap
    refused = stream("resume", "flight_delays", "weather", "--accept-gap", "--reason", "again")
    assert (refused.returncode, "no gap" in refused.stderr) == (2, True)


def test_wrong_usage_of_streams_exits_with_2(stream):
    """What is not declared, or no time, is wrong usage, and the message says what there is."""
    without = stream("drain", "seattle_weather")
    assert (without.returncode, "declares no streams" in without.stderr) == (2, True)
    unknown = stream("resume", "flight_delays", "trains")
    assert (unknown.returncode, "flights, weather" in unknown.stderr) == (2, True)
    no_time = stream("drain", "flight_delays", "--from-time", "noon")
    assert (no_time.returncode, "noon" in no_time.stderr) == (2, True)


def lose_all(home: Settings, and_so_many: int) -> None:
    """Let the broker remove the weather that it holds and some more, as retention does in a week."""
    stream = next(each for each in declared_usecase("flight_delays").streams if each.name == "weather")
    with closing(open_log(home, "flight_delays", stream)) as log:
        for number in range(and_so_many):
            log.publish(f"lost-{number}", "JFK", b"lost")
    url, token = f"nats://127.0.0.1:{home.nats_port}", (home.home / TOKEN_FILE).read_text()
    with closing(JetStreamLog(url, "flight_delays.weather", 1, timedelta(seconds=1), {"token": token})) as log:
        deadline = time.monotonic() + 20
        while log.begin_offset(0) < log.end_offset(0) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert log.begin_offset(0) == log.end_offset(0)
