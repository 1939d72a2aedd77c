"""SQL over Arrow tables: one DuckDB in memory for the process, a connection of its own for each use.

Where any database of DuckDB is opened. The SQL of feature views, which must reach nothing but its relations, runs in a
closed one of its own (`catena.features.runner`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import duckdb
import pyarrow as pa


@contextmanager
def sql_over(tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection that sees the tables by their names; times are UTC.

    It works in one thread: sums of floats depend on their order, and an answer must come out the same again.
    """
    connection = _database(os.getpid()).cursor()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for name, rows in tables.items():
            connection.register(name, rows)
        yield connection
    finally:
        connection.close()


def open_database(**config: str | bool | int | float | list[str]) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that draws no progress bar.

    DuckDB draws one where it takes the process for a person's: a process without a main file, as a worker's is.
    """
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET enable_progress_bar = false")
    return connection


@cache
def _database(_process: int) -> duckdb.DuckDBPyConnection:
    """Return the process's database: opening one costs 25 ms of CPU. A forked child opens its own."""
    return open_database(threads=1)
