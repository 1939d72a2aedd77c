"""The identity of table content: equal rows give equal numbers, whatever their order, file or run.

The identity ignores what is declared volatile (the time of landing). It is computed from values, not from files or
Arrow's own serialisation, so that it outlives a new release of either. Where identities are stored belongs in
`catena.lake.lake`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
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
    rows = sorted_by_key(rows, table)
    digest = hashlib.sha256(str(rows.num_rows).encode())
    for name in sorted(set(rows.column_names) - volatile):
        digest.update(f"/{name}:{rows[name].type}/".encode())
        # The bytes below a null are arbitrary: hash where the nulls are, then the values that are there.
        digest.update(rows[name].is_null().to_numpy().tobytes())
        for part in _value_bytes(pc.drop_null(rows[name])):
            digest.update(part)
    return _identity(digest.digest())


def _value_bytes(column: pa.ChunkedArray) -> Iterator[bytes]:
    """Yield the bytes of a column without nulls, the same whatever its chunks, offsets and padding."""
    if pa.types.is_string(column.type):
        # The lengths part 'ab', 'c' from 'a', 'bc'.
        yield pc.binary_length(column).to_numpy().tobytes()
        for chunk in column.chunks:
            offsets, values = chunk.buffers()[1:]
            if len(chunk) and values is not None:
                bounds = memoryview(offsets).cast("i")[chunk.offset : chunk.offset + len(chunk) + 1]
                yield memoryview(values)[bounds[0] : bounds[-1]].tobytes()
    else:
        yield (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_numpy().tobytes()


def combined_identity(parts: Mapping[str, Any]) -> int:
    """Return the identity of a link's inputs: content identities by table and partition, and what else decides."""
    return identity_of(dict(parts))
