"""How sure a metric, or a gain, is: intervals that take days, not rows, as the units of chance.

Rows of one day share its weather and its knock-on delays, so whole days are drawn. A metric is reduced once to what
each day contributes; a resample is then a row of day counts, and thousands of them are a few matrix products. Pure:
which rows are judged, and what an interval decides, belong elsewhere.

With few days the usual percentile interval is too narrow. Here bounds come from the bootstrap-t (Efron and Tibshirani,
An Introduction to the Bootstrap, 1993, chapter 12), which Cameron, Gelbach and Miller (2008) found to hold its level
with few clusters; the standard error, of the estimate and of each resample, is the jackknife's over days. A bound is
never nearer to the estimate than Student's t with days - 1 degrees of freedom puts it: the wider of the two holds.
How each one covers is measured in docs/decisions/010-promotion-gate.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from catena.modeling.metrics import CLIP, HIGHER_IS_BETTER

Numbers = npt.NDArray[np.float64]
# Day counts, one row a resample -> the metric in each; NaN where the drawn days do not define it.
DayMetric = Callable[[Numbers], Numbers]
METHOD = "bootstrap-t by day with the jackknife's standard error, at least as wide as Student's t"
_STUDENT = "Student's t by day with the jackknife's standard error"
# A resample of PR AUC walks all rows: its standard error in each of 2,000 would take a minute. The calibration error
# is a sum of distances, which any draw of days makes larger: a bootstrap would find it too large.
_STUDENT_ONLY = {"pr_auc": _STUDENT, "ece": _STUDENT}
_BINS = 10
MINIMUM_DAYS = 3
# Numbers in one pass over resamples, which bounds the memory: 32 MB of float64.
_PASS = 4_000_000


@dataclass(frozen=True)
class Resampling:
    """How days are drawn, and what is read from the draws.

    Attributes:
        confidence: of both bounds together, as 0.9; one of them alone holds with (1 + confidence) / 2.
        resamples: how often days are drawn.
        seed: declared; the same rows and seed give the same interval.
    """

    confidence: float
    resamples: int
    seed: int


@dataclass(frozen=True)
class Interval:
    """An estimate and how sure it is.

    Attributes:
        estimate: of the rows as they are; None where they do not define it.
        low: lower bound; None where it cannot be told. The same for the other numbers.
        high: upper bound.
        standard_error: the jackknife's, over days.
        confidence: of both bounds together; one of them alone holds with (1 + confidence) / 2.
        reason: why there is no estimate or are no bounds; empty otherwise.
    """

    estimate: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    confidence: float
    days: int
    rows: int
    resamples: int
    seed: int
    method: str
    reason: str = ""

    @property
    def half_width(self) -> float | None:
        """Half the distance of the bounds."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self) | {"half_width": self.half_width}


def metric_interval(metric: str, label: Any, score: Any, day: Any, resampling: Resampling) -> Interval:
    """Return the interval of a metric.

    Args:
        metric: a name of `catena.modeling.metrics`, but not `r2`.
        day: one value a row; rows with the same one are drawn together.
    """
    days = _Days(day)
    of = days.metric(metric, np.asarray(label, np.float64), np.asarray(score, np.float64))
    return _interval(of, days, metric, resampling)


def gain_interval(metric: str, label: Any, scores: tuple[Any, ...], day: Any, resampling: Resampling) -> Interval:
    """Return the interval of the gain of one model over another: paired, on the same rows and the same drawn days.

    Args:
        metric: as for `metric_interval`; the gain is positive where the challenger is better, whatever the metric.
        scores: of the challenger and of the other, on the same rows; of several others the mean metric counts.
    """
    days, y = _Days(day), np.asarray(label, np.float64)
    new, *old = (days.metric(metric, y, np.asarray(each, np.float64)) for each in scores)
    sign = 1.0 if HIGHER_IS_BETTER[metric] else -1.0

    def of(counts: Numbers) -> Numbers:
        gain: Numbers = sign * (new(counts) - np.mean([each(counts) for each in old], axis=0))
        return gain

    return _interval(of, days, metric, resampling)


def mean_interval(value: Any, day: Any, resampling: Resampling) -> Interval:
    """Return the interval of the mean of one number a row: a share, or a change of scores."""
    days = _Days(day)
    return _interval(days.mean(np.asarray(value, np.float64)), days, "the mean", resampling)


def difference_interval(value: Any, inside: Any, day: Any, resampling: Resampling) -> Interval:
    """Return the interval of the mean of some rows minus the mean of the others, on the same drawn days.

    Args:
        inside: whether a row is among the first; without a row on either side there is no estimate.
    """
    days, values, of_group = _Days(day), np.asarray(value, np.float64), np.asarray(inside, dtype=bool)
    group, others = days.mean_of(values, of_group), days.mean_of(values, ~of_group)
    return _interval(lambda counts: group(counts) - others(counts), days, "the difference", resampling)


def within(interval: Interval, lowest: float, highest: float | None) -> Interval:
    """Return an interval whose bounds lie where the number can lie: Student's t knows no such ends."""
    if interval.low is None or interval.high is None:
        return interval
    high = interval.high if highest is None else min(interval.high, highest)
    return replace(interval, low=max(interval.low, lowest), high=high)


class _Days:
    """Rows parted by day."""

    def __init__(self, day: Any) -> None:
        names, self._of = np.unique(np.asarray(day).astype(str), return_inverse=True)
        self.count = len(names)
        self.rows = len(self._of)

    def metric(self, metric: str, y: Numbers, score: Numbers) -> DayMetric:
        """Return a metric as a function of day counts."""
        if metric == "roc_auc":
            return self._roc_auc(y, score)
        if metric == "pr_auc":
            return self._average_precision(y, score)
        if metric == "ece":
            return self._calibration_error(y, score)
        if metric == "rmse":
            squares = self.mean((score - y) ** 2)
            return lambda counts: np.sqrt(squares(counts))
        return self.mean(_losses(metric, y, score))

    def mean(self, values: Numbers) -> DayMetric:
        """Return the mean over rows as a function of day counts."""
        return self.mean_of(values, np.ones(self.rows, dtype=bool))

    def mean_of(self, values: Numbers, inside: npt.NDArray[np.bool_]) -> DayMetric:
        """Return the mean over some of the rows as a function of day counts."""
        sums, rows = self._sums(np.where(inside, values, 0.0)), self._sums(inside.astype(np.float64))
        return lambda counts: _ratio(counts @ sums, counts @ rows)

    def _roc_auc(self, y: Numbers, score: Numbers) -> DayMetric:
        """Count, for each pair of days, the pairs of an event in one and a non-event in the other in right order."""
        is_event = y > 0.5
        events, others = self._sums(is_event.astype(np.float64)), self._sums((~is_event).astype(np.float64))
        pairs = np.empty((self.count, self.count))
        for place in range(self.count):
            against = np.sort(score[~is_event & (self._of == place)])
            below, up_to = (np.searchsorted(against, score[is_event], side) for side in ("left", "right"))
            # A tie counts half.
            pairs[:, place] = np.bincount(self._of[is_event], (below + up_to) / 2, self.count)
        return lambda counts: _ratio(((counts @ pairs) * counts).sum(1), (counts @ events) * (counts @ others))

    def _calibration_error(self, y: Numbers, score: Numbers) -> DayMetric:
        """Sum, in each of ten bins of the score, what was predicted too much or too little on each day."""
        places = np.clip((score * _BINS).astype(int), 0, _BINS - 1)
        gaps = np.stack([self._sums((score - y) * (places == place)) for place in range(_BINS)], axis=1)
        rows = self._sums(np.ones(self.rows))
        return lambda counts: _ratio(np.abs(counts @ gaps).sum(1), counts @ rows)

    def _average_precision(self, y: Numbers, score: Numbers) -> DayMetric:
        """Walk the rows from the highest score down, sorted once; the step of a tie is taken at its last row."""
        order = np.argsort(-score, kind="stable")
        is_last = np.append(np.diff(score[order]) != 0, True) if len(order) else np.empty(0, bool)
        event, of = y[order], self._of[order]

        def found(counts: Numbers) -> Numbers:
            drawn = counts[:, of]
            right = np.cumsum(drawn * event, 1)[:, is_last]
            taken = np.cumsum(drawn, 1)[:, is_last]
            precision = np.divide(right, taken, out=np.zeros_like(right), where=taken > 0)
            return _ratio((np.diff(right, axis=1, prepend=0.0) * precision).sum(1), counts @ self._sums(y))

        size = max(1, _PASS // max(1, self.rows))
        return lambda counts: np.concatenate([found(counts[at : at + size]) for at in range(0, len(counts), size)])

    def _sums(self, values: Numbers) -> Numbers:
        return np.bincount(self._of, values, self.count).astype(np.float64)


def _losses(metric: str, y: Numbers, score: Numbers) -> Numbers:
    if metric == "brier":
        return np.asarray((score - y) ** 2)
    if metric == "mae":
        return np.abs(score - y)
    if metric == "log_loss":
        p = np.clip(score, CLIP, 1 - CLIP)
        return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)))
    raise ValueError(f"{metric!r} has no interval: it is neither a mean over rows nor a ranking")


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    found: Numbers = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return found


def _interval(of: DayMetric, days: _Days, metric: str, resampling: Resampling) -> Interval:
    def known(estimate: float | None, bounds: tuple[float, float, float] | None, reason: str) -> Interval:
        method = _STUDENT_ONLY.get(metric, METHOD)
        low, high, error = bounds or (None, None, None)
        drawn = resampling.resamples if method == METHOD else 0
        return Interval(
            estimate, low, high, error, resampling.confidence, days.count, days.rows, drawn,
            resampling.seed, method, reason,
        )  # fmt: skip

    whole = np.ones((1, days.count))
    estimate = float(of(whole)[0]) if days.rows else np.nan
    if not np.isfinite(estimate):
        return known(None, None, f"{days.rows} rows do not define {metric}")
    if days.count < MINIMUM_DAYS:
        return known(estimate, None, f"{days.count} days are too few for an interval: {MINIMUM_DAYS} are needed")
    error = float(_jackknife(of, whole)[0])
    if not np.isfinite(error):
        return known(estimate, None, f"{metric} hangs on a single day: it is not defined without it")
    low, high = (0.0, 0.0) if metric in _STUDENT_ONLY else _studentized(of, days.count, estimate, resampling)
    reach = float(stats.t.ppf((1 + resampling.confidence) / 2, days.count - 1))
    return known(estimate, (estimate - max(high, reach) * error, estimate + max(-low, reach) * error, error), "")


def _studentized(of: DayMetric, days: int, estimate: float, resampling: Resampling) -> tuple[float, float]:
    """Return the quantiles of (resample - estimate) / standard error of the resample."""
    chance = np.random.default_rng(resampling.seed)
    counts = chance.multinomial(days, np.full(days, 1 / days), resampling.resamples).astype(np.float64)
    errors = _jackknife(of, counts)
    is_known = np.isfinite(errors) & (errors > 0)
    ratios = (of(counts[is_known]) - estimate) / errors[is_known]
    if not len(ratios):
        return 0.0, 0.0
    tail = (1 - resampling.confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)


def _jackknife(of: DayMetric, counts: Numbers) -> Numbers:
    """Return the standard error in each resample, from leaving out each drawn day once."""
    resamples, days = counts.shape
    total = counts.sum(1, keepdims=True)
    left = np.empty((resamples, days))
    for place in range(days):
        without = counts.copy()
        without[:, place] -= 1
        without[counts[:, place] == 0] = counts[counts[:, place] == 0]
        left[:, place] = of(without)
    kept = np.where(counts > 0, left, 0.0)
    mean = (counts * kept).sum(1, keepdims=True) / total
    spread = (counts * np.where(counts > 0, left - mean, 0.0) ** 2).sum(1)
    return np.asarray(np.sqrt((total[:, 0] - 1) / total[:, 0] * spread))
