"""How much a single feature tells of the label, and whether it is a column that is known only later. Pure.

What counts as too much is declared; what follows from it belongs in `catena.insights.alarms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from catena.insights.associations import column_numbers, is_number

Numbers = npt.NDArray[np.float64]
BINS = 40
# A value's mean is drawn towards the mean of all as if it had so many rows more.
PRIOR_ROWS = 20.0
# Keeps the solution defined where columns say the same; in units of a column's variance.
RIDGE = 1e-4
# Rows that lie further from a fit than so many standard deviations, by the median, are taken out; so often anew.
FAR, REFITS = 3.0, 4


def single_power(rows: pa.Table, told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return for each feature how well it ranks the label by itself, and beyond the other features; best first.

    `alone`: ROC AUC of the mean label of its value (numbers in bins, missing is a value), each mean learned on the
    other half of the days, so that neither shape nor direction matters and a name does not flatter itself.
    `beyond`: of what a robust linear fit of the other numeric features leaves of it. Harmless columns that differ by
    the outcome, as scheduled and actual arrival do, are seen only so, and both ring. None of too few rows.

    Args:
        rows: `day`, `label_value` (0 or 1), and the features.
        told: `minimum_rows`.
    """
    least = int(told["minimum_rows"])
    names = [name for name in rows.column_names if name not in ("day", "label_value")]
    label = column_numbers(rows["label_value"])
    place = {day: number for number, day in enumerate(sorted(set(rows["day"].to_pylist())))}
    fold = np.array([place[day] % 2 for day in rows["day"].to_pylist()], dtype=np.int64)
    numeric = {name: column_numbers(rows[name]) for name in names if _is_numeric(rows[name].type)}
    left = remainders(numeric)
    found = []
    for name in names:
        is_there = ~np.isnan(numeric[name]) if name in numeric else rows[name].is_valid().to_numpy()
        count = int(is_there.sum())
        alone = beyond = None
        if count >= least:
            codes = _binned(numeric[name]) if name in numeric else _coded(rows[name])
            alone = _auc(label, _cross_fitted(codes, label, fold))
            if name in left:
                straight = _auc(label[is_there], left[name][is_there])
                beyond = None if straight is None else max(straight, 1 - straight)
        found.append({"name": name, "rows": count, "alone": alone, "beyond": beyond})
    return sorted(found, key=lambda row: (-max(row["alone"] or 0.0, row["beyond"] or 0.0), row["name"]))


def remainders(numeric: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return what a robust linear fit of all other columns leaves of each; columns of one value are left out.

    Missing values count as the column's mean. Rows far from a fit are taken out of it and the fit is made anew: an
    arrival after midnight lies a day away from its schedule, and a few of those would bend the line for all. Sums of
    products are taken once, and those of the rows taken out subtracted.
    """
    standard = {}
    for name, values in numeric.items():
        known = values[~np.isnan(values)]
        if known.size and known.std() > 0:
            standard[name] = np.where(np.isnan(values), 0.0, (values - known.mean()) / known.std())
    if len(standard) < 2:
        return {}
    matrix = np.column_stack([*standard.values(), np.ones(len(next(iter(standard.values()))))])
    products = matrix.T @ matrix
    return {name: _remainder(matrix, products, place) for place, name in enumerate(standard)}


def _remainder(matrix: Numbers, products: Numbers, place: int) -> Numbers:
    left = _fitted_away(matrix, products, place)
    for _ in range(REFITS):
        is_far = np.abs(left) > FAR * 1.4826 * np.median(np.abs(left))
        far = matrix[is_far]
        left = _fitted_away(matrix, products - far.T @ far, place)
    return left


def _fitted_away(matrix: Numbers, products: Numbers, place: int) -> Numbers:
    """Return a column less its fit by the others, from their sums of products."""
    others = np.arange(matrix.shape[1]) != place
    ridge = RIDGE * len(matrix) * np.eye(int(others.sum()))
    weights = np.zeros(matrix.shape[1])
    weights[others] = np.linalg.solve(products[np.ix_(others, others)] + ridge, products[others, place])
    found: Numbers = matrix[:, place] - matrix @ weights
    return found


def twins(rows: pa.Table, told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return for each column that is known only later the feature that agrees with it most, beyond chance.

    Agreement is Cohen's kappa over equal values: 1 for a copy, 0 for what chance gives. A share of equal values alone
    would call two columns of zeros the same.

    Args:
        rows: features as `feature__<name>`, and later columns as `later__<table>__<name>`, in the same order of rows.
        told: `minimum_rows`.
    """
    least = int(told["minimum_rows"])
    features = {name: (_family(rows[name].type), *_comparable(rows[name])) for name in rows.column_names
                if name.startswith("feature__")}  # fmt: skip
    found = []
    for later in (name for name in rows.column_names if name.startswith("later__")):
        _, table, column = later.split("__", 2)
        family, (values, is_there) = _family(rows[later].type), _comparable(rows[later])
        pairs = {}
        for name, (kind, others, are_there) in features.items():
            both = is_there & are_there
            if kind == family and (count := int(both.sum())) >= least:
                pairs[name] = (float((values[both] == others[both]).mean()), count)
        best: tuple[float, str, int] | None = None
        for name, (equal, count) in sorted(pairs.items(), key=lambda item: (-item[1][0], item[0])):
            # Kappa is at most the share of equal values.
            if best is not None and equal <= best[0]:
                break
            _, others, are_there = features[name]
            kappa = _kappa(values[is_there & are_there], others[is_there & are_there])
            if best is None or kappa > best[0]:
                best = (kappa, name.removeprefix("feature__"), count)
        agreement, nearest, count = best or (None, None, 0)
        found.append({"table": table, "column": column, "name": nearest, "agreement": agreement, "rows": count})
    return sorted(found, key=lambda row: (-(row["agreement"] or 0.0), row["table"], row["column"]))


def _kappa(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    values, places = np.unique(np.concatenate([one, other]), return_inverse=True)
    shares = [np.bincount(part, minlength=len(values)) / len(one) for part in np.split(places, 2)]
    chance = float(shares[0] @ shares[1])
    # Two constants agree by chance alone. Nothing is below it: two that avoid each other are no copies either.
    return max(0.0, (float((one == other).mean()) - chance) / (1 - chance)) if chance < 1 else 0.0


def _comparable(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Return the values, and which of them are there."""
    is_there = np.asarray(column.is_valid().to_numpy(), dtype=np.bool_)
    if _is_numeric(column.type):
        return column_numbers(column), is_there
    if pa.types.is_timestamp(column.type):
        return np.asarray(pc.fill_null(column.cast(pa.int64()), 0).to_numpy()), is_there
    return np.asarray(pc.fill_null(column.cast(pa.string()), "").to_pylist(), dtype=str), is_there


def _family(type_: pa.DataType) -> str:
    if _is_numeric(type_):
        return "number"
    return "instant" if pa.types.is_timestamp(type_) else "text"


def _is_numeric(type_: pa.DataType) -> bool:
    return is_number(type_) or bool(pa.types.is_boolean(type_))


def _binned(values: Numbers) -> npt.NDArray[np.int64]:
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, values, side="right")
    bins[np.isnan(values)] = edges.size + 1
    return np.asarray(bins, dtype=np.int64)


def _coded(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    indices = column.combine_chunks().cast(pa.string()).dictionary_encode().indices
    return np.asarray(pc.fill_null(indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64) + 1


def _cross_fitted(codes: npt.NDArray[np.int64], label: Numbers, fold: npt.NDArray[np.int64]) -> Numbers:
    """Return each row's mean label of its value, learned on the rows of the other fold."""
    score = np.full(len(label), np.nan)
    size = int(codes.max()) + 1
    for one in (0, 1):
        learned, judged = fold != one, fold == one
        if not learned.any():
            # A single day: nothing to learn from but itself.
            learned = judged
        mean = label[learned].mean()
        rows = np.bincount(codes[learned], minlength=size)
        sums = np.bincount(codes[learned], label[learned], minlength=size)
        score[judged] = ((sums + PRIOR_ROWS * mean) / (rows + PRIOR_ROWS))[codes[judged]]
    return score


def _auc(label: Numbers, score: Numbers) -> float | None:
    """Return the ROC AUC from the ranks: scikit-learn's checks of its input would take most of the time."""
    events = label > 0.5
    n1 = int(events.sum())
    n0 = len(label) - n1
    if not n1 or not n0:
        return None
    return float((stats.rankdata(score)[events].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))
