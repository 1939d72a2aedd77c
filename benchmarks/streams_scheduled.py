"""Streams under the real scheduler: how long events take to their tables, with the watcher and by the clock alone.

An installation of its own runs, the stream DAG is unpaused, and the flights and weather of 2013 are published at a
steady rate. A record's latency is the time of the commit that holds it less the broker's time of the record; that to
the clean tables is the time of the merge's last commit less the same.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine, text

from benchmarks.installation import Installation, cpu_seconds, installation
from benchmarks.machine import table, write
from catena.chain.streaming.lag import lags_of
from catena.database import database_url
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.platform import processes
from catena.platform.api import AirflowApi
from catena.settings import Settings
from catena.streams.codec import Codec
from catena.streams.connect import open_log
from catena.streams.replay import Delivery, Faults, deliveries
from catena.workspace import Workspace

USECASE = "flight_delays"
HISTORY = ("2013-01-01", "2013-03-31")
# Shorter, to see whether it works: CATENA_BENCH_SECONDS=10.
SECONDS = "CATENA_BENCH_SECONDS"
# A change of the chain is at rest when nothing has run for so long.
_REST_S, _MOST_S = 5.0, 600.0
# Where a run's time goes, medians over the runs of a variant that a hint set off, or the clock.
_STAGES = text("""
    SELECT extract(epoch FROM r.queued_at - coalesce(e.at, r.run_after)) AS hint,
           extract(epoch FROM r.start_date - r.queued_at) AS started,
           extract(epoch FROM t.start_date - r.start_date) AS task,
           extract(epoch FROM t.end_date - t.start_date) AS work,
           extract(epoch FROM r.end_date - t.end_date) AS ended
    FROM dag_run r JOIN task_instance t USING (dag_id, run_id)
    LEFT JOIN LATERAL (
        SELECT max(v.timestamp) AS at FROM dagrun_asset_event l JOIN asset_event v ON v.id = l.event_id
        WHERE l.dag_run_id = r.id) e ON true
    WHERE r.dag_id = :dag AND r.queued_at > :since AND r.end_date IS NOT NULL AND t.end_date IS NOT NULL
""")
STAGES = ("hint or minute to queued", "queued to started", "started to task", "task", "task to end of run")


@dataclass(frozen=True)
class Variant:
    """One row: what is published, and what runs beside it."""

    name: str
    rate: int
    seconds: int


@dataclass(frozen=True)
class Measured:
    """What a variant came to."""

    landed: list[float]
    merged: list[float]
    runs: int
    cpu: dict[str, float]
    wall: float
    stages: list[float]


def variants() -> list[Variant]:
    """Return the variants in their order; the last one runs without the triggerer."""
    seconds, tick = (int(os.environ.get(SECONDS, usual)) for usual in ("60", "180"))
    return [
        Variant("watcher, all links run", 100, seconds),
        Variant("watcher", 100, seconds),
        Variant("watcher", 1_000, seconds),
        Variant("minute tick alone", 100, tick),
    ]


def measure() -> None:
    """Measure all variants in one installation, and write the tables."""
    with ExitStack() as opened:
        # Not below a closed folder: as root the server is another user.
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="catena-scheduled-"))
        Path(folder).chmod(0o755)
        made = opened.enter_context(installation(Path(folder) / "home"))
        made.catena("up")
        workspace, usecase = Workspace(made.settings), declared_usecase(USECASE)
        opened.callback(workspace.engine.dispose)
        workspace.ledger.create()
        body = _measured(made, workspace, usecase)
    print(body)
    print(write("streams_scheduled", "Streams under the scheduler", body))


def _measured(made: Installation, workspace: Workspace, usecase: UseCase) -> str:
    done: list[tuple[Variant, Measured]] = []
    with AirflowApi(made.settings) as api:
        _until(lambda: f"{USECASE}.stream" in api.dag_ids(), 120)
        api.unpause(f"{USECASE}.stream")
        # By itself Airflow starts the watcher when it reads the file again, minutes later.
        api.reparse(f"{USECASE}.stream")
        _until(lambda: _watchers(made) > 0, 120)
        first = 0
        for number, variant in enumerate(variants()):
            if number == 1:
                made.catena("airflow", "dags", "pause", f"{USECASE}.features")
            if number == len(variants()) - 1:
                processes.stop(made.settings, ["triggerer"])
            _rest(made, workspace, usecase, api)
            count = variant.rate * variant.seconds
            done.append((variant, _run(made, workspace, usecase, api, (first, count, variant.rate))))
            first += count
            print(variant, np.percentile(done[-1][1].landed, [50, 95, 100]), flush=True)
    return "\n\n".join((_latencies(done), _time_of_runs(done), " ".join((__doc__ or "").split("\n\n")[1].split())))


def _run(
    made: Installation, workspace: Workspace, usecase: UseCase, api: AirflowApi, sent: tuple[int, int, int]
) -> Measured:
    # Forked from nothing: neither Airflow's nor the lake's threads are copied.
    context = multiprocessing.get_context("spawn")
    gate = context.Event()
    process = context.Process(target=_publish, args=(made.settings, sent, gate), daemon=True)
    process.start()
    try:
        if not gate.wait(120):
            raise RuntimeError("the publisher did not get ready in 120 s; its error stands above")
        since, begun, before = datetime.now(UTC), time.monotonic(), cpu_seconds(made)
        process.join()
        if process.exitcode:
            raise RuntimeError(f"the publisher ended with {process.exitcode}; its error stands above")
        wall = _rest(made, workspace, usecase, api) - begun
        after = cpu_seconds(made)
    finally:
        process.kill()
        process.join()
    landed, merged = _waits(workspace, usecase, since)
    runs, stages = _runs(made, since)
    cpu = {name: spent - before.get(name, 0.0) for name, spent in after.items()}
    return Measured(landed, merged, runs, cpu, wall, stages)


def _publish(settings: Settings, part: tuple[int, int, int], gate: Event) -> None:
    """Publish a part of the history at a steady rate, twenty times a second."""
    usecase, (first, count, rate) = declared_usecase(USECASE), part
    sent = _history(usecase, first, count)
    with ExitStack() as opened:
        logs = {
            stream.name: opened.enter_context(closing(open_log(settings, USECASE, stream)))
            for stream in usecase.streams
        }
        gate.set()
        begun, at = time.monotonic(), 0
        while at < count:
            due = min(int((time.monotonic() - begun) * rate), count)
            for stream, log in logs.items():
                if messages := [each.message for each in sent[at:due] if each.stream == stream]:
                    log.publish_many(messages)
            at = due
            time.sleep(0.05)


def _history(usecase: UseCase, first: int, count: int) -> list[Delivery]:
    module, _, function = str(usecase.history).partition(":")
    events = getattr(importlib.import_module(module), function)(*HISTORY)
    codecs = {stream.name: Codec(stream, usecase.folder) for stream in usecase.streams}
    stream_of = {event.name: stream.name for stream in usecase.streams for event in stream.events}
    return list(islice(deliveries(events, codecs, stream_of, Faults()), first, first + count))


def _waits(workspace: Workspace, usecase: UseCase, since: datetime) -> tuple[list[float], list[float]]:
    """Return the seconds from the broker to the table of events, and to the clean tables, of each record since."""
    landed: list[float] = []
    merged: list[float] = []
    lake = workspace.lake(usecase)
    for stream in usecase.streams:
        ends: dict[int, datetime] = {}
        merges: list[datetime] = []
        for entry in lake.open(stream.table).history():
            at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
            offset = json.loads(entry.get("catena.details", "{}")).get("next_offset")
            if offset is not None:
                ends[offset] = at
            elif not json.loads(entry.get("catena.partitions", "[]")):
                merges.append(at)
        merges.sort()
        offsets = sorted(ends)
        for row in lake.read(stream.table, columns=["log_offset", "stored_at"]).to_pylist():
            if row["stored_at"] < since - timedelta(seconds=1):
                continue
            at = ends[offsets[bisect_right(offsets, row["log_offset"])]]
            landed.append((at - row["stored_at"]).total_seconds())
            merged.append((merges[bisect_right(merges, at)] - row["stored_at"]).total_seconds())
    return landed, merged


def _runs(made: Installation, since: datetime) -> tuple[int, list[float]]:
    engine = create_engine(database_url(made.settings, "airflow"))
    with engine.connect() as connection:
        rows = connection.execute(_STAGES, {"dag": f"{USECASE}.stream", "since": since}).all()
    engine.dispose()
    return len(rows), [float(np.median([float(row[stage]) for row in rows])) for stage in range(len(STAGES))]


def _rest(made: Installation, workspace: Workspace, usecase: UseCase, api: AirflowApi) -> float:
    """Wait until nothing waits at the broker and nothing runs; return the moment from which that was so."""
    still = time.monotonic()
    deadline = still + _MOST_S
    ids = sorted(dag for dag in api.dag_ids() if dag.startswith(f"{USECASE}."))
    seen: object = None
    while time.monotonic() - still < _REST_S:
        counts = api.run_states([dag for dag in ids if not dag.endswith(".stream")])
        runs = api.run_states([f"{USECASE}.stream"]).get(f"{USECASE}.stream", {})
        waiting = sum(lag.records for lag in lags_of(workspace, usecase))
        # The stream DAG itself runs each minute: what counts is that it leaves nothing behind.
        busy = [1 for states in (*counts.values(), runs) if states.get("running") or states.get("queued")]
        if busy or waiting or counts != seen:
            still, seen = time.monotonic(), counts
        if time.monotonic() > deadline:
            raise RuntimeError(f"not at rest after {_MOST_S:.0f} s: {waiting} records wait, runs: {counts}, {runs}")
        time.sleep(1.0)
    return still


def _watchers(made: Installation) -> int:
    """Return how many triggers the triggerer has taken."""
    engine = create_engine(database_url(made.settings, "airflow"))
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM trigger WHERE triggerer_id IS NOT NULL")).scalar_one()
    engine.dispose()
    return int(count)


def _until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{USECASE}.stream or its watcher was not there within {seconds:.0f} s")
        time.sleep(0.5)


def _latencies(done: list[tuple[Variant, Measured]]) -> str:
    header = ["variant", "events/s", "seconds", "records", "p50, s", "p95, s", "longest, s",
              "to clean tables: p50, s", "p95, s", "runs", "CPU, s", "CPU of wall, cores"]  # fmt: skip
    rows: list[list[object]] = []
    for variant, found in done:
        cells = [f"{value:.2f}" for value in np.percentile(found.landed, [50, 95, 100])]
        clean = [f"{value:.2f}" for value in np.percentile(found.merged, [50, 95])]
        cpu = sum(found.cpu.values())
        rows.append([variant.name, f"{variant.rate:,}", variant.seconds, f"{len(found.landed):,}", *cells, *clean,
                     found.runs, f"{cpu:.0f}", f"{cpu / found.wall:.2f}"])  # fmt: skip
    return table(header, rows)


def _time_of_runs(done: list[tuple[Variant, Measured]]) -> str:
    names = sorted({name for _, found in done for name in found.cpu})
    header = ["variant", "events/s", *(f"{stage}, s" for stage in STAGES), *(f"CPU of {name}, s" for name in names)]
    rows: list[list[object]] = [
        [variant.name, f"{variant.rate:,}", *(f"{stage:.2f}" for stage in found.stages),
         *(f"{found.cpu[name]:.0f}" if name in found.cpu else "-" for name in names)]
        for variant, found in done
    ]  # fmt: skip
    return table(header, rows)
