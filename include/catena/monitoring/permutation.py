"""Whether a drift is more than days differ anyway: permutation of whole days, and many columns judged together. Pure.

Rows of one day share its weather and its operations. A test that takes rows as units of chance calls every window
another population. Here days change sides: of the days of reference and window together, as many as the window has are
drawn for it, again and again; the p-value is the share of draws that drift as far as the window did. It asks no more
than that days are exchangeable, which a season breaks: so only declared columns are judged, together by Benjamini and
Hochberg's false discovery rate, and only a drift of a declared size is an alert.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy import stats

Counts = npt.NDArray[np.int64]
DRAWS = 499
SEED = 20130101


class DayPermutation:
    """Draws which days are the window's, once for all columns.

    Args:
        reference: number of reference days.
        window: number of days of the window.
    """

    def __init__(self, reference: int, window: int, draws: int = DRAWS, seed: int = SEED) -> None:
        self._days = (reference, window)
        order = np.random.default_rng(seed).random((draws, reference + window)).argsort(axis=1)
        self._picks = (order < window).astype(np.float64)

    def p_value(self, reference: Counts, window: Counts) -> float | None:
        """Return the p-value of a drift; None where one side has no rows.

        Args:
            reference: rows by day (first axis) and bucket.
            window: the same, of the window.
        """
        if not reference.sum() or not window.sum() or 0 in self._days:
            return None
        counts = np.concatenate([reference, window])
        counts = counts[:, counts.any(axis=0)].astype(np.float64)
        total = counts.sum(axis=0)
        drawn = np.concatenate([window[:, reference.any(axis=0) | window.any(axis=0)].sum(axis=0)[None],
                                self._picks @ counts])  # fmt: skip
        found = _indices(total - drawn, drawn)
        # The window itself is one of the draws: no p-value is zero.
        return float((found[1:] >= found[0] - 1e-12).sum() + 1) / len(found)


def _indices(reference: npt.NDArray[np.float64], window: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the population stability index of each row of counts, as `catena.monitoring.drift` defines it."""
    expected = (reference + 0.5) / (reference + 0.5).sum(axis=1, keepdims=True)
    actual = (window + 0.5) / (window + 0.5).sum(axis=1, keepdims=True)
    found: npt.NDArray[np.float64] = ((actual - expected) * np.log(actual / expected)).sum(axis=1)
    return found


def false_discovery_rates(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return for each name the smallest false discovery rate at which it would be called a drift."""
    if not p_values:
        return {}
    return dict(zip(p_values, map(float, stats.false_discovery_control(list(p_values.values()))), strict=True))
