"""What a source delivered, as text, before any rule.

Types and rules belong in `catena.quality`; where deliveries are kept belongs in the lake.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Malformed:
    """A line that is no row: it has the wrong number of fields."""

    line_number: int
    text: str
    reason: str


@dataclass(frozen=True)
class Delivery:
    """One file or query result.

    Attributes:
        partition: day, or `whole`.
        source: file or query, as people name it.
        checksum: SHA-256 of the bytes, or of the canonical rows of a query.
        rows: the declared columns as text, nulls only where a query returned them.
        line_numbers: for each row its line; the header is line 1.
        malformed: lines that are no rows.
        warnings: what is odd but harmless, such as an extra column.
        null: text that stands for a missing value, besides the empty text.
    """

    partition: str
    source: str
    checksum: str
    rows: pa.Table
    line_numbers: pa.Array
    malformed: tuple[Malformed, ...] = ()
    warnings: tuple[str, ...] = ()
    null: str = ""
