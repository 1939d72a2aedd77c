"""Which columns say the same: the strongest pairs by Spearman's rank correlation and by Cramer's V.

All pairs of numbers are ranked by one matrix product over ranks that are taken once; those that are shown are computed
anew by SciPy on the rows that have both values.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats
from scipy.stats import contingency

from catena.modeling.association import LEAST_ROWS, Numbers, rank_correlations

# A text with more values than this is a name, and two names always look associated.
MOST_VALUES = 100


def strongest_pairs(rows: pa.Table, told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the strongest pairs of columns: first of numbers, then of categories.

    Args:
        rows: the columns to compare; numbers are numeric, texts and booleans are categories, others are left out.
        told: `pairs`, how many of each kind.
    """
    most = int(told["pairs"])
    numbers = {name: column_numbers(rows[name]) for name in rows.column_names if is_number(rows[name].type)}
    texts = [name for name in rows.column_names if pa.types.is_string(rows[name].type) or _is_bool(rows[name].type)]
    codes = {name: found for name in texts if (found := _codes(rows[name])) is not None}
    return [*_spearman(numbers, most), *_cramers_v(codes, most)]


def is_number(type_: pa.DataType) -> bool:
    """Return whether a column holds numbers."""
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def column_numbers(column: pa.ChunkedArray) -> Numbers:
    """Return numbers with NaN where there is none."""
    return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(), dtype=np.float64)


def _is_bool(type_: pa.DataType) -> bool:
    return bool(pa.types.is_boolean(type_))


def _codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64] | None:
    """Return the values as numbers of their kinds, -1 where missing; None for a column that is no category."""
    encoded = column.combine_chunks().cast(pa.string()).dictionary_encode()
    if not 2 <= len(encoded.dictionary) <= MOST_VALUES:
        return None
    return np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _spearman(numbers: Mapping[str, Numbers], most: int) -> list[dict[str, Any]]:
    names = [name for name, values in numbers.items() if np.unique(values[~np.isnan(values)]).size > 1]
    pairs = list(combinations(range(len(names)), 2))
    if not pairs:
        return []
    matrix = rank_correlations(np.column_stack([numbers[name] for name in names]))
    pairs.sort(key=lambda pair: -abs(matrix[pair]))
    found = []
    for one, other in pairs[:most]:
        x, y = numbers[names[one]], numbers[names[other]]
        both = ~(np.isnan(x) | np.isnan(y))
        x, y = x[both], y[both]
        if x.size < LEAST_ROWS or x.min() == x.max() or y.min() == y.max():
            continue
        value = float(stats.spearmanr(x, y).statistic)
        found.append(_pair("spearman", names[one], names[other], value, int(both.sum())))
    return sorted(found, key=lambda row: (-abs(row["value"]), row["one"], row["other"]))


def _cramers_v(codes: Mapping[str, npt.NDArray[np.int64]], most: int) -> list[dict[str, Any]]:
    found = []
    for one, other in combinations(codes, 2):
        both = (codes[one] >= 0) & (codes[other] >= 0)
        table = contingency.crosstab(codes[one][both], codes[other][both]).count
        if both.sum() < LEAST_ROWS or min(table.shape) < 2:
            continue
        value = float(contingency.association(table, method="cramer"))
        found.append(_pair("cramers_v", one, other, value, int(both.sum())))
    return sorted(found, key=lambda row: (-row["value"], row["one"], row["other"]))[:most]


def _pair(kind: str, one: str, other: str, value: float, rows: int) -> dict[str, Any]:
    return {"kind": kind, "one": one, "other": other, "value": value, "rows": rows}
