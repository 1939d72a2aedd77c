"""Reads one partition by a query on another database; the connection comes by name.

What is done with the rows belongs in the chain.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from catena.declaration import Column, SqlSource
from catena.partitions import DAY, parse_day, shift_day
from catena.sources.delivery import Delivery
from catena.sources.fault import SourceDropped, SourceFault
from catena.sources.files import as_text

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


def connection_url(name: str, connections: Mapping[str, str] | None = None) -> URL:
    """Return the address of a named connection: given, or from `AIRFLOW_CONN_<NAME>` as URI or JSON.

    Raises:
        SourceFault: there is no such connection.
    """
    variable = f"AIRFLOW_CONN_{name.upper()}"
    value = (connections or {}).get(name) or os.environ.get(variable)
    if not value:
        raise SourceFault(
            name, "connection", "There is no connection of this name.", f"Create it in Airflow, or set {variable}."
        )
    if value.lstrip().startswith("{"):
        parts = json.loads(value)
        return URL.create(
            _DRIVERS.get(parts["conn_type"], parts["conn_type"]),
            username=parts.get("login"),
            password=parts.get("password"),
            host=parts.get("host"),
            port=parts.get("port"),
            database=parts.get("schema"),
        )
    kind, _, rest = value.partition("://")
    return make_url(f"{_DRIVERS.get(kind, kind)}://{rest}")


def read_query(source: SqlSource, columns: Sequence[Column], url: URL, partition: str) -> Delivery:
    """Return the rows of a partition, whole or not at all.

    Raises:
        SourceFault: the query fails, before or amid the rows, or lacks a declared column.
    """
    names = [column.name for column in columns]
    label = f"{source.connection}: {' '.join(source.query.split())}"
    statement = text(source.query)
    bound: dict[str, Any] = {}
    if DAY.fullmatch(partition):
        dates = {"partition": parse_day(partition), "next_partition": parse_day(shift_day(partition, 1))}
        bound = {name: value for name, value in dates.items() if name in statement._bindparams}
    engine = create_engine(url)
    chunks: list[pa.Table] = []
    try:
        with engine.connect().execution_options(stream_results=True, yield_per=source.chunk_rows) as connection:
            result = connection.execute(statement, bound)
            if missing := [name for name in names if name not in set(result.keys())]:
                raise SourceFault(
                    label,
                    "missing_column",
                    f"The query returns no columns {missing}.",
                    "Correct the query or the contract.",
                )
            for part in result.columns(*names).partitions(source.chunk_rows):
                chunks.append(_text_table(part, columns))
    except SQLAlchemyError as error:
        raise SourceDropped(label, sum(chunk.num_rows for chunk in chunks), error) from error
    finally:
        engine.dispose()
    rows = pa.concat_tables(chunks) if chunks else pa.table({name: pa.array([], pa.string()) for name in names})
    if not rows.num_rows:
        raise SourceFault(label, "no_rows", "The query returned no rows.", "Ask upstream for the rows.")
    rows = rows.sort_by([(name, "ascending") for name in names]).combine_chunks()
    return Delivery(partition, label, _checksum(rows), rows, pa.array(range(2, rows.num_rows + 2), pa.int64()))


def _text_table(part: Sequence[Any], columns: Sequence[Column]) -> pa.Table:
    arrays = []
    for column, values in zip(columns, zip(*part, strict=True), strict=True):
        if column.type == "timestamp":
            arrays.append(pa.array(values, pa.timestamp("us", tz="UTC")))
        else:
            arrays.append(pa.array([None if value is None else str(value) for value in values], pa.string()))
    return as_text(pa.table(arrays, names=[column.name for column in columns]))


def _checksum(rows: pa.Table) -> str:
    """Return the SHA-256 of sorted rows; the order in which a database returns rows means nothing."""
    digest = hashlib.sha256()
    for name in rows.column_names:
        digest.update(json.dumps([name, rows[name].to_pylist()], ensure_ascii=False).encode())
    return digest.hexdigest()
