"""What a source delivers, how it lands, and which clean tables come of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catena.declaration.rules import Rule
from catena.declaration.tables import Column, Declared, Name


class FileSource(Declared):
    """One file per partition below the landing root; `{partition}` in `path` is the day key."""

    kind: Literal["file"] = "file"
    path: str
    format: Literal["csv", "parquet"] = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    null: str = "NA"
    """Text that stands for a missing value, besides the empty text."""


class SqlSource(Declared):
    """A query on another database. `:partition` and `:next_partition` are bound as dates where it uses them."""

    kind: Literal["sql"] = "sql"
    connection: str
    """Name of an Airflow connection, or the environment variable `AIRFLOW_CONN_<NAME>`."""
    query: str
    chunk_rows: int = 50_000


class CleanTable(Declared):
    """A clean table, made from the validated rows (DuckDB relation `rows`) by one SELECT, one row for each row."""

    table: Name
    sql: str
    """File in the use case's `sql/` folder."""


class Dataset(Declared):
    """What one source delivers: how it lands, which rules it must meet, which clean tables it becomes."""

    name: Name
    source: Annotated[FileSource | SqlSource, Field(discriminator="kind")]
    raw_table: Name | None = None
    """Where rows land as text, with source file, line and checksum; the table follows from `columns`."""
    columns: tuple[Column, ...]
    """The columns that the source delivers, with the types they must have."""
    rules: tuple[Rule, ...]
    clean: tuple[CleanTable, ...]
    is_partitioned: bool = True
    is_required: bool = True
    """False: a partition without a file is an empty partition with a warning, not a failure."""
