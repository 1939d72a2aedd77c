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

    def __init__(self, values: pd.Series, day: NDArray[np.int64] | None = None) -> None:
        numbers = _numbers(values)
        known = numbers[~np.isnan(numbers)]
        self._edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if known.size else np.array([])
        self._sample = np.sort(_thinned(known))
        self.size = self._edges.size + 2
        self.by_day = by_day(self.buckets(values), self.size, day)
        self._counts = self.by_day.sum(axis=0)

    def compare(self, values: pd.Series, counts: NDArray[np.int64] | None = None) -> Drift:
        """Return how far the values have moved from the reference.

        Args:
            values: of the window.
            counts: their rows by bucket, where they are counted already.
        """
        numbers = _numbers(values)
        known = _thinned(numbers[~np.isnan(numbers)])
        effect = float("nan")
        if known.size and self._sample.size:
            effect = _distance(self._sample, np.sort(known))
        if counts is None:
            counts = np.bincount(self.buckets(values), minlength=self.size)
        return Drift(stability_index(self._counts, counts), effect)

    def buckets(self, values: pd.Series) -> NDArray[np.int64]:
        """Return the bucket of each value."""
        numbers = _numbers(values)
        # Half-open on the right, so that a value which fills whole tenths (a zero) has a bucket of its own.
        buckets = np.searchsorted(self._edges, numbers, side="right")
        buckets[np.isnan(numbers)] = self._edges.size + 1
        return buckets


class CategoricalReference:
    """A categorical column of the reference; values that it lacks, and missing values, are buckets of their own."""

    effect_name = "cramers_v"

    def __init__(self, values: pd.Series, day: NDArray[np.int64] | None = None) -> None:
        self._index = pd.Index(sorted(values.dropna().astype(str).unique()))
        self.size = len(self._index) + 2
        self.by_day = by_day(self.buckets(values), self.size, day)
        self._counts = self.by_day.sum(axis=0)

    def compare(self, values: pd.Series, counts: NDArray[np.int64] | None = None) -> Drift:
        """Return how far the values have moved from the reference; see `NumericReference.compare`."""
        if counts is None:
            counts = np.bincount(self.buckets(values), minlength=self.size)
        return Drift(stability_index(self._counts, counts), _cramers_v(self._counts, counts))

    def buckets(self, values: pd.Series) -> NDArray[np.int64]:
        """Return the bucket of each value."""
        buckets = np.asarray(self._index.get_indexer(pd.Index(values.astype(str))))
        buckets[buckets < 0] = len(self._index)
        buckets[values.isna().to_numpy()] = len(self._index) + 1
        return buckets


Reference = NumericReference | CategoricalReference


def references(sample: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> dict[str, Reference]:
    """Return the reference of each column; none at all where the sample is empty.

    Args:
        sample: the columns, and `partition` where drifts are to be tested by days.
        numeric: columns that are numbers.
        categorical: the others.
    """
    if sample.empty:
        return {}
    sample = sample.iloc[:: -(-len(sample) // REFERENCE_ROWS)]
    day = positions(sample["partition"]) if "partition" in sample else None
    found: dict[str, Reference] = {column: NumericReference(sample[column], day) for column in numeric}
    return found | {column: CategoricalReference(sample[column], day) for column in categorical}


def positions(day: pd.Series) -> NDArray[np.int64]:
    """Return the place of each row's day among the days there are, in order."""
    return pd.factorize(day, sort=True)[0].astype(np.int64)


def by_day(buckets: NDArray[np.int64], size: int, day: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the rows of each day (first axis) in each bucket; all of one day where no positions are given."""
    of = np.zeros(len(buckets), np.int64) if day is None else day
    days = int(of.max()) + 1 if len(of) else 0
    return np.bincount(of * size + buckets, minlength=days * size).reshape(days, size)


class DayCounts:
    """The rows of each day in each bucket of a reference, counted once for all windows of a pass.

    Args:
        rows: `partition` and the columns, in order of days.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows
        self._of = positions(rows["partition"])
        self._days = np.array(sorted(rows["partition"].unique()))
        self._found: dict[tuple[str, int], NDArray[np.int64]] = {}

    def of(self, column: str, reference: Reference, first: str, last: str) -> NDArray[np.int64]:
        """Return the rows of the days from `first` to `last` that there are, by day and bucket."""
        key = (column, id(reference))
        if key not in self._found:
            buckets = reference.buckets(self._rows[column])
            self._found[key] = by_day(buckets, reference.size, self._of)
        low, high = np.searchsorted(self._days, first), np.searchsorted(self._days, last, side="right")
        return self._found[key][low:high]


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
