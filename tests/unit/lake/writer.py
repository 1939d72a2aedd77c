"""Writes days into a lake as a process of its own: `writer.py ROOT NAME FIRST LAST ROUNDS [ready-file go-file]`.

Each round writes every day with one row per writer's name and round. Started by the tests of concurrency and of faults.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pyarrow as pa

from catena.declaration import Column, Table
from catena.lake import Lake
from catena.partitions import days
from catena.run import Run

TABLE = Table(
    name="counts",
    description="Who wrote last.",
    owner="o",
    primary_key=("partition", "n"),
    columns=(
        Column(name="partition", type="string", nullable=False, description="Day."),
        Column(name="n", type="int64", nullable=False, description="Row."),
        Column(name="writer", type="string", nullable=False, description="Writer."),
        Column(name="round", type="int64", nullable=False, description="Round."),
    ),
)
ROWS = 50


def content(keys: list[str], writer: str, number: int) -> pa.Table:
    """Return what a writer puts into the days in a round."""
    records = [{"partition": key, "n": n, "writer": writer, "round": number} for key in keys for n in range(ROWS)]
    return pa.Table.from_pylist(records)


def main(root: str, writer: str, first: str, last: str, rounds: str, *files: str) -> None:
    """Wait for the start, write, and say `committed WRITER ROUND` after each commit."""
    lake, keys = Lake(root, (TABLE,)), days(first, last)
    if files:
        ready, go = (Path(file) for file in files)
        ready.touch()
        while not go.exists():
            time.sleep(0.001)
    for number in range(int(rounds)):
        run = Run("u", "ingest", f"{writer}-{number}", code_version="test")
        lake.overwrite("counts", content(keys, writer, number), run=run, partitions=keys)
        sys.stdout.write(f"committed {writer} {number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
