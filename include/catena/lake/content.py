"""The identity of table content: equal rows give equal numbers, whatever their order, file or run.

The identity ignores what is declared volatile (the time of landing). It is computed from values, not from files or
Arrow's own serialisation, so that it outlives a new release of either. Where identities are stored belongs in
`catena.lake.lake`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
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
    return content_identities({"": sorted_by_key(rows, table)}, table)[""]


def content_identities(parts: Mapping[str, pa.Table], table: Table) -> dict[str, int]:
    """Return the identity of each partition, as `content_identity` does, from one pass over the columns.

    Args:
        parts: the rows of each partition, in the declared schema and in the order of the primary key.
        table: the declaration.
    """
    volatile = {column.name for column in table.columns if column.is_volatile}
    digests = content_digests({key: rows.drop_columns(sorted(volatile)) for key, rows in parts.items()})
    return {key: _identity(bytes.fromhex(digest)) for key, digest in digests.items()}


def content_digests(parts: Mapping[str, pa.Table]) -> dict[str, str]:
    """Return the SHA-256 of the values of each part in the order of its rows, from one pass over the columns.

    Args:
        parts: rows of one schema; the order of columns does not matter.
    """
    if not parts:
        return {}
    rows = pa.concat_tables(parts.values())
    counts = [part.num_rows for part in parts.values()]
    digests = [hashlib.sha256(str(count).encode()) for count in counts]
    bounds = np.cumsum([0, *counts])
    for name in sorted(rows.column_names):
        column, said = rows[name], f"/{name}:{rows[name].type}/".encode()
        is_null = column.is_null().to_numpy()
        # The bytes below a null are arbitrary: hash where the nulls are, then the values that are there.
        there = np.concatenate([[0], np.cumsum(~is_null)])[bounds].tolist()
        values = _values(column.drop_null())
        for digest, start, end, first, last in zip(digests, bounds, bounds[1:], there, there[1:], strict=False):
            digest.update(said)
            digest.update(is_null[start:end].tobytes())
            for part in values(first, last):
                digest.update(part)
    return {key: digest.hexdigest() for key, digest in zip(parts, digests, strict=True)}


def _values(column: pa.ChunkedArray) -> Callable[[int, int], tuple[bytes | memoryview, ...]]:
    """Return what hands out the bytes of a slice of a column without nulls, whatever its chunks and padding."""
    if pa.types.is_string(column.type):
        lengths = pc.binary_length(column).to_numpy()
        ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        text = memoryview(b"".join(_text(chunk) for chunk in column.chunks))
        # The lengths part 'ab', 'c' from 'a', 'bc'.
        return lambda first, last: (lengths[first:last].tobytes(), text[ends[first] : ends[last]])
    numbers = (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_numpy()
    return lambda first, last: (numbers[first:last].tobytes(),)


def _text(chunk: pa.Array) -> memoryview:
    offsets, values = chunk.buffers()[1:]
    if not len(chunk) or values is None:
        return memoryview(b"")
    bounds = memoryview(offsets).cast("i")[chunk.offset : chunk.offset + len(chunk) + 1]
    return memoryview(values)[bounds[0] : bounds[-1]]


def combined_identity(parts: Mapping[str, Any]) -> int:
    """Return the identity of a link's inputs: content identities by table and partition, and what else decides."""
    return identity_of(dict(parts))
