"""Land, validate and publish against plain DuckDB `read_csv -> COPY parquet` on the same files.

Each size is measured in turn with its baseline, so that a slow minute of
the machine slows both; medians are reported.
"""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
from pydantic import SecretStr

from benchmarks.machine import table, write
from catena.chain.ingesting.ingest import ingest_dataset
from catena.database import database_url
from catena.declared import declared_usecase
from catena.partitions import days
from catena.platform import installation, postgres, processes
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace

SIZES = {
    "1 day": ("2013-03-15", "2013-03-15"),
    "1 month": ("2013-03-01", "2013-03-31"),
    "1 year": ("2013-01-01", "2013-12-31"),
}


def plain_duckdb(files: list[str], target: Path) -> None:
    """Parse the files with inferred types and write them as one Parquet file, in one pass (`COPY`)."""
    duckdb.connect().read_csv(files, na_values="NA").write_parquet(str(target))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and the CPU seconds of a call in this process; those of PostgreSQL are not counted."""
    start, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - spent


def measure(rounds: int = 3) -> None:
    """Measure every size and write the table."""
    # Not below a closed folder: as root the server is another user.
    with tempfile.TemporaryDirectory(prefix="catena-etl-") as folder:
        home = Path(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        server = Settings(_env_file=None, home=home, postgres_port=port)
        installation.start_postgres(server)
        try:
            postgres.create_databases(server)
            rows = _measured(server, rounds)
        finally:
            processes.stop(server, ["postgres"])
    header = [
        "size",
        "rows",
        "DuckDB, s",
        "land+validate+publish, s",
        "times DuckDB",
        "DuckDB, CPU s",
        "land+validate+publish, CPU s",
        "times DuckDB's CPU",
        "rows/s",
    ]
    body = table(header, rows)
    print(body)
    print(write("etl", "ETL throughput", body))


def _measured(server: Settings, rounds: int) -> list[list[object]]:
    from usecases.flight_delays.upstream import export

    landing = server.home / "landing"
    export(str(landing), database_url(server, "catena"), "2013-01-01", "2013-12-31")
    rows: list[list[object]] = []
    for size, (first, last) in SIZES.items():
        keys = days(first, last)
        files = [str(landing / "flight_delays" / "flights" / f"{day}.csv") for day in keys]
        plain, ours, counts = [], [], {0}
        for number in range(rounds + 1):
            name = f"{size.replace(' ', '')}-{number}"
            plain.append(timed(lambda: plain_duckdb(files, server.home / f"{name}.parquet")))  # noqa: B023 - called at once
            ours.append(timed(lambda: counts.add(_ingested(server, name, keys))))  # noqa: B023 - called at once
        # The first round pays for imports and file caches.
        rows.append([size, f"{max(counts):,}", *_compared(plain[1:], ours[1:], max(counts))])
    return rows


def _compared(plain: Sequence[tuple[float, float]], ours: Sequence[tuple[float, float]], count: int) -> list[object]:
    cells: list[object] = []
    for which in (0, 1):
        baseline, own = (statistics.median(pair[which] for pair in pairs) for pairs in (plain, ours))
        cells += [f"{baseline:.3f}", f"{own:.3f}", f"{own / baseline:.1f}"]
    return [*cells, f"{count / statistics.median(pair[0] for pair in ours):,.0f}"]


def _ingested(server: Settings, name: str, keys: Sequence[str]) -> int:
    """Ingest the days into an empty lake and return the rows that came in."""
    home = server.home / name
    home.mkdir()
    url = database_url(server, "catena").render_as_string(hide_password=False)
    workspace = Workspace(
        Settings(_env_file=None, home=home, landing_url=str(server.home / "landing"), database_url=SecretStr(url))
    )
    workspace.ledger.create()
    try:
        usecase = declared_usecase("flight_delays")
        accounting = ingest_dataset(workspace, usecase, "flights", keys, Run(name, "ingest", "benchmark")).accounting
    finally:
        workspace.engine.dispose()
    assert accounting is not None
    return accounting.rows_in
