"""How far a column has moved from a reference: population stability index, and a test statistic as effect size.

Which reference and which window are compared, and from which size on a drift is an alert, belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from catena.partitions import days

BINS = 10
# Enough for a statistic that is exact to about 0.02; a larger sample only costs time.
SAMPLE = 4_000
REFERENCE_ROWS = 10_000


@dataclass(frozen=True)
class Drift:
    """How far one column has moved.

    Attributes:
        psi: population stability index; below 0.1 nothing to speak of, above 0.25 another population.
        effect: Kolmogorov-Smirnov distance of a numeric column, Cramer's V of a categorical one; 0 to 1.
    """

    psi: float
    effect: float


def reference_days(first: str, last: str, weeks: int = 4) -> list[str]:
    """Return whole weeks, spread evenly over the period, that stand for all of it.

    Whole weeks, because a sample of single days at a regular distance may hold the same weekday only.
    """
    every = days(first, last)
    if len(every) <= 7 * weeks:
        return every
    starts = [round(step * (len(every) - 7) / (weeks - 1)) for step in range(weeks)]
    return sorted({every[start + day] for start in starts for day in range(7)})


def stability_index(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    """Return the population stability index of counts over the same buckets.

    Half a row is added to each bucket, so that an empty one gives a large number instead of infinity.
    """
    if not reference.sum() or not current.sum():
        return float("nan")
    used = (reference + current) > 0
    expected = (reference[used] + 0.5) / (reference[used] + 0.5).sum()
    actual = (current[used] + 0.5) / (current[used] + 0.5).sum()
    return float(((actual - expected) * np.log(actual / expected)).sum())


class NumericReference:
    """A numeric column of the reference, cut into tenths of its rows; missing values are a bucket of their own."""

    effect_name = "ks"

    def __init__(self, values: pd.Series) -> None:
        numbers = _numbers(values)
        known = numbers[~np.isnan(numbers)]
        self._edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if known.size else np.array([])
        self._sample = np.sort(_thinned(known))
        self._counts = self._count(numbers)

    def compare(self, values: pd.Series) -> Drift:
        """Return how far the values have moved from the reference."""
        numbers = _numbers(values)
        known = _thinned(numbers[~np.isnan(numbers)])
        effect = float("nan")
        if known.size and self._sample.size:
            effect = _distance(self._sample, np.sort(known))
        return Drift(stability_index(self._counts, self._count(numbers)), effect)

    def _count(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        missing = np.isnan(numbers)
        # Half-open on the right, so that a value which fills whole tenths (a zero) has a bucket of its own.
        buckets = np.searchsorted(self._edges, numbers, side="right")
        buckets[missing] = self._edges.size + 1
        return np.bincount(buckets, minlength=self._edges.size + 2)


class CategoricalReference:
    """A categorical column of the reference; values that it lacks, and missing values, are buckets of their own."""

    effect_name = "cramers_v"

    def __init__(self, values: pd.Series) -> None:
        self._index = pd.Index(sorted(values.dropna().astype(str).unique()))
        self._counts = self._count(values)

    def compare(self, values: pd.Series) -> Drift:
        """Return how far the values have moved from the reference."""
        counts = self._count(values)
        return Drift(stability_index(self._counts, counts), _cramers_v(self._counts, counts))

    def _count(self, values: pd.Series) -> NDArray[np.int64]:
        buckets = np.asarray(self._index.get_indexer(pd.Index(values.astype(str))))
        buckets[buckets < 0] = len(self._index)
        buckets[values.isna().to_numpy()] = len(self._index) + 1
        return np.bincount(buckets, minlength=len(self._index) + 2)


Reference = NumericReference | CategoricalReference


def references(sample: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> dict[str, Reference]:
    """Return the reference of each column; none at all where the sample is empty."""
    if sample.empty:
        return {}
    sample = sample.iloc[:: -(-len(sample) // REFERENCE_ROWS)]
    found: dict[str, Reference] = {column: NumericReference(sample[column]) for column in numeric}
    return found | {column: CategoricalReference(sample[column]) for column in categorical}


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    return values.to_numpy(dtype="float64", na_value=np.nan)


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:: -(-values.size // SAMPLE)] if values.size > SAMPLE else values


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the Kolmogorov-Smirnov distance of two sorted samples: the largest gap between their distributions.

    SciPy's test gives the same number and, at most of its cost, a p-value that nobody asked for.
    """
    values = np.concatenate([one, other])
    shares = [np.searchsorted(sample, values, side="right") / sample.size for sample in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def _cramers_v(reference: NDArray[np.int64], current: NDArray[np.int64]) -> float:
    used = (reference + current) > 0
    if not reference.sum() or not current.sum():
        return float("nan")
    if used.sum() < 2:
        return 0.0
    observed = np.vstack([reference[used], current[used]])
    return float(np.sqrt(stats.chi2_contingency(observed, correction=False).statistic / observed.sum()))
