"""Text becomes the declared types; what does not is named by row, column and value.

Whether a value of the right type makes sense belongs in `catena.quality.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catena.declaration import Column
from catena.lake.schema import ARROW_TYPES
from catena.quality.verdict import Failures

LONGEST_VALUE = 1_000_000


def typed(rows: pa.Table, columns: Sequence[Column], null: str) -> tuple[pa.Table, tuple[Failures, ...]]:
    """Return rows in the declared types, null where a value does not fit, and those failures.

    Args:
        rows: text columns.
        columns: declared columns.
        null: text that stands for a missing value, besides the empty text.
    """
    arrays: list[pa.ChunkedArray] = []
    failures: list[Failures] = []
    for column in columns:
        text = rows[column.name].combine_chunks()
        text = text if isinstance(text, pa.Array) else pa.concat_arrays(text.chunks)
        missing = pc.is_in(text, pa.array(["", null], pa.string()))
        text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
        values, bad, problem = _cast(text, column)
        arrays.append(values)
        if len(bad):
            shown = tuple(_shown(value) for value in text.take(pa.array(bad)).to_pylist())
            failures.append(Failures("type", "quarantine", column.name, problem, bad, shown))
    return pa.table(arrays, names=[column.name for column in columns]), tuple(failures)


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:60]}… ({len(value):,} characters)")


def _cast(text: pa.Array, column: Column) -> tuple[pa.Array, np.ndarray, str]:
    """Return the values, the positions of what does not fit, and the sentence for it."""
    goal = ARROW_TYPES[column.type]
    if column.type == "string":
        bad = pc.or_(pc.match_substring(text, "\0"), pc.greater(pc.binary_length(text), LONGEST_VALUE))
        problem = f"holds a NUL byte or more than {LONGEST_VALUE:,} characters"
    else:
        problem = f"is not of type {column.type}"
        try:
            values = text.cast(goal)
            bad = pa.nulls(len(text), pa.bool_())
        except pa.ArrowInvalid:
            coded = text.dictionary_encode()
            values = _cast_each(coded.dictionary, goal).take(coded.indices)
            bad = pc.and_(values.is_null(), text.is_valid())
        if column.type == "float64":
            bad = pc.or_kleene(bad, pc.invert(pc.is_finite(values)))
        if column.type == "int64":
            # Arrow reads 0x1F as a number; no source means that.
            bad = pc.or_kleene(bad, pc.match_substring(text, "x", ignore_case=True))
    rows = np.flatnonzero(pc.fill_null(bad, False).to_numpy(zero_copy_only=False)).astype(np.int64)
    if column.type == "string":
        values = text
    if len(rows):
        values = pc.if_else(pc.fill_null(bad, False), pa.scalar(None, goal), values)
    return values, rows, problem


def _cast_each(texts: pa.Array, goal: pa.DataType) -> pa.Array:
    """Cast what can be cast, null for the rest, by halving: few bad values cost few casts."""
    try:
        return texts.cast(goal)
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return pa.nulls(1, goal)
        half = len(texts) // 2
        return pa.concat_arrays([_cast_each(texts.slice(0, half), goal), _cast_each(texts.slice(half), goal)])
