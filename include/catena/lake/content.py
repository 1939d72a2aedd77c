"""The identity of table content: equal rows give equal numbers, whatever their order, file or run.

The identity ignores what is declared volatile (the time of landing). Where identities are stored belongs in
`catena.lake.lake`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catena.declaration import Table
from catena.lake.schema import sorted_by_key

# Delta's application transactions hold a signed 64-bit integer.
_BITS = 63


def _identity(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big") & ((1 << _BITS) - 1)


def identity_of(value: Any) -> int:
    """Return the 63-bit identity of JSON-ready values; key order does not matter."""
    return _identity(hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).digest())


def content_identity(rows: pa.Table, table: Table) -> int:
    """Return the 63-bit identity of the rows of one partition.

    Args:
        rows: rows in the declared schema, in any order.
        table: the declaration; its primary key gives the order, its volatile columns are left out.
    """
    volatile = {column.name for column in table.columns if column.is_volatile}
    rows = sorted_by_key(rows, table).combine_chunks()
    digest = hashlib.sha256(str(rows.num_rows).encode())
    for name in sorted(set(rows.column_names) - volatile):
        column = rows[name]
        digest.update(name.encode())
        # The bytes below a null are arbitrary: hash the mask, then the values that are there.
        for part in (column.is_null(), pc.drop_null(column)):
            for buffer in _stable_buffers(part):
                digest.update(buffer)
    return _identity(digest.digest())


def _stable_buffers(column: pa.ChunkedArray) -> list[bytes]:
    """Return the column's bytes without padding, as IPC writes them from a compact copy."""
    table = pa.table({"c": pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return [sink.getvalue().to_pybytes()]


def combined_identity(parts: Mapping[str, Any]) -> int:
    """Return the identity of a link's inputs: content identities by table and partition, and what else decides."""
    return identity_of(dict(parts))
