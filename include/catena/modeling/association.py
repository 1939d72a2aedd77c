"""How much two columns say the same: rank correlation of numbers, mutual information where one is a category. Pure.

Which pairs are shown to people belongs in `catena.insights.associations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
LEAST_ROWS = 20
_STEPS = 10


@dataclass(frozen=True)
class Cluster:
    """Columns of which each two say nearly the same.

    Attributes:
        columns: in the order of the frame; a column that says what no other says is alone.
        weakest: association of the two that go together least; 1 for a column alone.
    """

    columns: tuple[str, ...]
    weakest: float


def rank_correlations(values: Numbers) -> Numbers:
    """Return the correlations of the columns' ranks over the rows that have both; 0 where that is not defined.

    Each column is ranked once, so where values are missing it is near to Spearman's, and exact where none are.
    """
    ranks = stats.rankdata(values, axis=0, nan_policy="omit")
    there = ~np.isnan(ranks)
    # Centred, so that the sums of squares keep their digits.
    x = np.where(there, ranks - values.shape[0] / 2, 0.0)
    mask = there.astype(np.float64)
    n, sums, squares, products = mask.T @ mask, x.T @ mask, (x**2).T @ mask, x.T @ x
    above = n * products - sums * sums.T
    spread = n * squares - sums**2
    below = np.sqrt(np.clip(spread, 0, None) * np.clip(spread.T, 0, None))
    enough = (below > 0) & (n >= LEAST_ROWS)
    found: Numbers = np.divide(above, below, out=np.zeros_like(above), where=enough)
    return found


def shared_information(one: Codes, other: Codes) -> float:
    """Return the mutual information of two columns of codes, as a share of what the richer of them tells.

    It is 1 only where each says all that the other says: a coarse column is no stand-in for a fine one.
    """
    kinds = int(other.max()) + 1
    joint = np.bincount(one * kinds + other, minlength=(int(one.max()) + 1) * kinds).reshape(-1, kinds) / len(one)
    told, other_told, together = (_entropy(part) for part in (joint.sum(1), joint.sum(0), joint.ravel()))
    richer = max(told, other_told)
    return float(np.clip((told + other_told - together) / richer, 0.0, 1.0)) if richer > 0 else 0.0


def association_matrix(frame: pd.DataFrame, categorical: Sequence[str]) -> Numbers:
    """Return how much each two columns of a frame say the same, from 0 to 1.

    Between two numbers it is the size of the rank correlation over the rows that have both. Where one is a category it
    is the shared information, numbers taken by their tenths; a missing value is a value.
    """
    names = [str(name) for name in frame.columns]
    is_text = [name in set(categorical) for name in names]
    found = np.eye(len(names))
    numbers = [place for place, text in enumerate(is_text) if not text]
    if len(numbers) > 1:
        values = frame.iloc[:, numbers].to_numpy(dtype=np.float64)
        found[np.ix_(numbers, numbers)] = np.clip(np.abs(rank_correlations(values)), 0.0, 1.0)
    codes = [_codes(frame.iloc[:, place], is_text=text) for place, text in enumerate(is_text)] if any(is_text) else []
    for one, text in enumerate(is_text):
        for other in range(len(names)) if text else ():
            if not is_text[other] or other > one:
                found[one, other] = found[other, one] = shared_information(codes[one], codes[other])
    np.fill_diagonal(found, 1.0)
    # A product of matrices need not be symmetric to the last bit, which clustering asks for.
    symmetric: Numbers = np.maximum(found, found.T)
    return symmetric


def clusters(frame: pd.DataFrame, categorical: Sequence[str], threshold: float) -> list[Cluster]:
    """Return the columns in groups in which each two are associated at least so strongly, in the frame's order."""
    names, matrix = [str(name) for name in frame.columns], association_matrix(frame, categorical)
    if len(names) < 2:
        return [Cluster((name,), 1.0) for name in names]
    # Complete linkage: the distance of two groups is that of their members furthest apart.
    tree = linkage(squareform(1 - matrix), "complete")
    places: dict[int, list[int]] = {}
    for place, group in enumerate(fcluster(tree, 1 - threshold, "distance")):
        places.setdefault(int(group), []).append(place)
    return [
        Cluster(tuple(names[place] for place in members), float(matrix[np.ix_(members, members)].min()))
        for members in places.values()
    ]


def _entropy(shares: Numbers) -> float:
    there = shares[shares > 0]
    return float(-(there * np.log(there)).sum())


def _codes(column: pd.Series[Any], *, is_text: bool) -> Codes:
    if is_text:
        return np.asarray(pd.factorize(column, use_na_sentinel=False)[0], dtype=np.int64)
    ranks = stats.rankdata(column.to_numpy(dtype=np.float64), nan_policy="omit")
    steps = np.floor(_STEPS * (ranks - 1) / max(1, np.count_nonzero(~np.isnan(ranks))))
    return np.asarray(np.where(np.isnan(steps), _STEPS, steps), dtype=np.int64)
