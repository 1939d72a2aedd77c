"""A small lake: one table by day, one without partitions, one that two datasets share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from catena.declaration import Column, Table
from catena.lake import Lake, arrow_schema
from catena.run import Run

PARTITION = Column(name="partition", type="string", nullable=False, description="Day.")

READINGS = Table(
    name="readings",
    description="What the stations measured.",
    owner="data-engineer",
    primary_key=("partition", "station"),
    columns=(
        PARTITION,
        Column(name="station", type="string", nullable=False, description="Station.", classification="internal"),
        Column(name="value", type="float64", description="Measured."),
        Column(name="landed_at", type="timestamp", is_volatile=True, description="Wall time."),
    ),
)
STATIONS = Table(
    name="stations",
    description="The stations.",
    owner="data-engineer",
    primary_key=("station",),
    is_partitioned=False,
    columns=(
        Column(name="station", type="string", nullable=False, description="Station."),
        Column(name="height_m", type="int64", description="Height."),
    ),
)
REFUSED = Table(
    name="refused",
    description="Shared by datasets.",
    owner="data-engineer",
    primary_key=("partition", "dataset", "row_id"),
    columns=(
        PARTITION,
        Column(name="dataset", type="string", nullable=False, description="Dataset."),
        Column(name="row_id", type="string", nullable=False, description="Row."),
    ),
)

Rows = Callable[..., pa.Table]


@pytest.fixture
def run() -> Run:
    return Run("weather", "ingest", "run-1", code_version="0.1.0+test")


@pytest.fixture
def readings() -> Table:
    return READINGS


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), (READINGS, STATIONS, REFUSED))


@pytest.fixture
def rows() -> Rows:
    """Build readings of a day: `rows("2013-01-01", a=1.0, b=None)`."""

    def build(day: str, /, **values: float | None) -> pa.Table:
        records = [{"partition": day, "station": key, "value": value} for key, value in values.items()]
        return pa.Table.from_pylist(records, schema=arrow_schema(READINGS))

    return build
