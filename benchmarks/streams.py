"""Streams on the embedded broker: rates into the log, out of it and into the clean table, latency, and size.

The drain is called as the operator calls it, in this process and without Airflow's scheduler, whose time to start a
task comes on top. The use case is that of `benchmarks.readings`: events of about 200 bytes.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import tempfile
import time
from bisect import bisect_right
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from deltalake import DeltaTable
from pydantic import SecretStr

from benchmarks import readings
from benchmarks.machine import table, write
from catena.chain.streaming.lag import lags_of
from catena.chain.streaming.landing import Limits, land_stream, source_of
from catena.chain.streaming.stream import drain_streams
from catena.database import database_url
from catena.declaration import UseCase
from catena.lake import EventTable
from catena.platform import installation, postgres, processes
from catena.run import Run
from catena.settings import Settings
from catena.streams.codec import Codec
from catena.streams.connect import open_log
from catena.streams.port import Message
from catena.workspace import Workspace

EVENTS, A_DAY, ROUNDS = 60_000, 10_000, 3
COMMITS = 100
LATENCY_SECONDS = 30
# As the watcher in the triggerer.
POLL_S, RECORDS, AGE_S = 1.5, 1000, 1.0
TICKS, EVENTS_A_TICK = 200, 50


def measure() -> None:
    """Measure, and write the tables."""
    # Not below a closed folder: as root the server is another user.
    with tempfile.TemporaryDirectory(prefix="catena-streams-") as folder:
        ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        postgres_port, nats_port = (port.getsockname()[1] for port in ports)
        for port in ports:
            port.close()
        server = Settings(_env_file=None, home=Path(folder), postgres_port=postgres_port, nats_port=nats_port)
        installation.start_postgres(server)
        installation.start_nats(server)
        try:
            postgres.create_databases(server)
            url = database_url(server, "catena").render_as_string(hide_password=False)
            home = Settings(_env_file=None, home=Path(folder), nats_port=nats_port, database_url=SecretStr(url))
            workspace = Workspace(home)
            workspace.ledger.create()
            parts = [_rates(workspace), _latency(workspace), _size(workspace)]
            workspace.engine.dispose()
        finally:
            processes.stop(server, ["nats", "postgres"])
    body = "\n\n".join((*parts, " ".join((__doc__ or "").split("\n\n")[1].split())))
    print(body)
    print(write("streams", "Streams", body))


def _usecase(workspace: Workspace, name: str) -> UseCase:
    return readings.usecase(name, workspace.settings.home / "usecases" / name)


def _messages(usecase: UseCase, first: int, count: int, a_day: int = A_DAY) -> list[Message]:
    codec = Codec(usecase.streams[0], usecase.folder)
    return [Message(event.event_id, event.key, codec.encode(event)) for event in readings.events(first, count, a_day)]


def _rates(workspace: Workspace) -> str:
    """Return the rates; the first round pays for imports and is not counted."""
    found: dict[str, list[float]] = {"publish": [], "plain read": [], "log to clean table": []}
    size = 0
    for number in range(ROUNDS + 1):
        usecase = _usecase(workspace, f"rates_{number}")
        stream, messages = usecase.streams[0], _messages(usecase, 0, EVENTS)
        size = sum(len(message.value) for message in messages) // EVENTS
        with closing(open_log(workspace.settings, usecase.name, stream)) as log:
            start = time.perf_counter()
            log.publish_many(messages)
            found["publish"].append(EVENTS / (time.perf_counter() - start))
            start, at, end = time.perf_counter(), log.begin_offset(0), log.end_offset(0)
            while at < end:
                at = log.read(0, at, 10_000, 10).next_offset
            found["plain read"].append(EVENTS / (time.perf_counter() - start))
        start = time.perf_counter()
        outcome = drain_streams(workspace, usecase, Run(usecase.name, "stream", "benchmark"))
        found["log to clean table"].append(EVENTS / (time.perf_counter() - start))
        rows = workspace.lake(usecase).row_counts("readings")
        assert (sum(rows.values()), len(outcome.partitions)) == (EVENTS, EVENTS // A_DAY)
    rates: list[list[object]] = [[name, f"{statistics.median(each[1:]):,.0f}"] for name, each in found.items()]
    # The first round of either is not counted here as well.
    pairs = zip(found["log to clean table"][1:], found["plain read"][1:], strict=True)
    share = statistics.median(into / out for into, out in pairs)
    usecase = _usecase(workspace, "commits")
    with closing(open_log(workspace.settings, usecase.name, usecase.streams[0])) as log:
        log.publish_many(_messages(usecase, 0, COMMITS))
    start = time.perf_counter()
    landed = land_stream(workspace, usecase, usecase.streams[0], Run(usecase.name, "stream", "benchmark"), Limits(1))
    rates.append(["log to clean table, of the plain read rate", f"{share:.0%}"])
    rates.append(["commits of one record each, per s", f"{landed.commits / (time.perf_counter() - start):.0f}"])
    return table([f"{EVENTS:,} events of {size} bytes on {EVENTS // A_DAY} days", "events/s"], rates)


def _publish_at(settings: Settings, usecase: UseCase, rate: int) -> None:
    """Publish at a steady rate, twenty times a second, from a process of its own."""
    messages = _messages(usecase, 0, rate * LATENCY_SECONDS, a_day=1_000_000)
    with closing(open_log(settings, usecase.name, usecase.streams[0])) as log:
        begun, sent = time.monotonic(), 0
        while sent < len(messages):
            due = min(int((time.monotonic() - begun) * rate), len(messages))
            if due > sent:
                log.publish_many(messages[sent:due])
                sent = due
            time.sleep(0.05)


def _latency(workspace: Workspace) -> str:
    rows: list[list[object]] = []
    for rate in (100, 1_000):
        usecase = _usecase(workspace, f"latency_{rate}")
        process = multiprocessing.get_context("spawn").Process(
            target=_publish_at, args=(workspace.settings, usecase, rate)
        )
        process.start()
        waits, drains = _drained_until(workspace, usecase, rate * LATENCY_SECONDS)
        process.join()
        p50, p95 = statistics.quantiles(waits, n=20)[9], statistics.quantiles(waits, n=20)[18]
        rows.append([f"{rate:,}", f"{p50:.2f}", f"{p95:.2f}", f"{max(waits):.2f}", drains])
    return table(["events/s, stored to clean table", "p50, s", "p95, s", "longest, s", "drains"], rows)


def _drained_until(workspace: Workspace, usecase: UseCase, count: int) -> tuple[list[float], int]:
    """Drain as the watcher hints until all events are there; return how long each took, and the drains."""
    done: list[tuple[int, datetime]] = []
    stream = usecase.streams[0]
    events = EventTable(workspace.lake(usecase), stream.table)
    with closing(open_log(workspace.settings, usecase.name, stream)) as log:
        source = source_of(log, 0)
    while not done or done[-1][0] <= count:
        lags = lags_of(workspace, usecase)
        if sum(lag.records for lag in lags) >= RECORDS or any(lag.age_s >= AGE_S for lag in lags):
            drain_streams(workspace, usecase, Run(usecase.name, "stream", "benchmark"))
            done.append((events.positions([source])[source].next_offset or 0, datetime.now(UTC)))
        time.sleep(POLL_S)
    ends = [end for end, _ in done]
    rows = workspace.lake(usecase).read(stream.table, columns=["log_offset", "stored_at"]).to_pylist()
    waits = [(done[bisect_right(ends, row["log_offset"])][1] - row["stored_at"]).total_seconds() for row in rows]
    return waits, len(done)


def _size(workspace: Workspace) -> str:
    """Return what a day of many small commits takes on disk, as it is and compacted."""
    usecase = _usecase(workspace, "size")
    stream, run = usecase.streams[0], Run("size", "stream", "benchmark")
    count = TICKS * EVENTS_A_TICK
    with closing(open_log(workspace.settings, usecase.name, stream)) as log:
        log.publish_many(_messages(usecase, 0, count))
    for _ in range(TICKS):
        land_stream(workspace, usecase, stream, run, Limits(most=EVENTS_A_TICK))
    uri = workspace.lake(usecase).uri(stream.table)
    rows = [[f"{TICKS} commits of {EVENTS_A_TICK}", *_on_disk(uri), _read_ms(workspace, usecase)]]
    delta = DeltaTable(uri)
    start = time.perf_counter()
    delta.optimize.compact()
    delta.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    spent = time.perf_counter() - start
    rows.append([f"compacted and vacuumed ({spent:.2f} s)", *_on_disk(uri), _read_ms(workspace, usecase)])
    return table([f"a day of {count:,} events", "files of rows", "rows, KiB", "log, KiB", "read of the day, ms"], rows)


def _on_disk(uri: str) -> list[object]:
    files = [file for file in Path(uri).rglob("*") if file.is_file()]
    log = sum(file.stat().st_size for file in files if "_delta_log" in file.parts)
    rows = [file.stat().st_size for file in files if "_delta_log" not in file.parts]
    return [len(rows), f"{sum(rows) / 1024:,.0f}", f"{log / 1024:,.0f}"]


def _read_ms(workspace: Workspace, usecase: UseCase) -> str:
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        workspace.lake(usecase).read(usecase.streams[0].table, [f"{readings.FIRST:%Y-%m-%d}"])
        spent.append(time.perf_counter() - start)
    return f"{statistics.median(spent) * 1000:.0f}"
