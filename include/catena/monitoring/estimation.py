"""How good predictions should prove to be, told from the scores alone, before any label is known. Pure.

A probability that can be taken at its word says how often it will be wrong: of rows scored 0.8 a fifth will not come
true. So the expected counts of right and wrong follow from the scores, and with them the expected metrics: the idea of
confidence-based performance estimation (Garg et al., 2022; NannyML's CBPE), written here from its sums. What the scores
do not know, such as a world that changed behind them, the estimate does not see; that is what its gap to the realised
metric tells later. A regression's score says nothing of its error: none is estimated.

Ranking is a ratio of pairs. With weight w of a row to be an event (its label, or its probability) and c = 1, 0.5 or 0
as the event ranks above, equal to or below the other,

    AUC = sum of w_i (1 - w_j) c_ij / sum of w_i (1 - w_j), over pairs of two different rows.

With labels that is the usual area, with probabilities the expected right pairs over the expected pairs. Chance is read
from how much each row moves the ratio: of labels drawn from the scores for an estimate, of whole days (rows of a day
share its weather) for a realised metric and the gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from catena.declaration import ESTIMATED
from catena.modeling.metrics import CLIP

Numbers = npt.NDArray[np.float64]
CONFIDENCE = 0.95
# Fewer days tell nothing of how days differ.
MINIMUM_DAYS = 3


@dataclass(frozen=True)
class Bounded:
    """A number and how sure it is; bounds are None where they cannot be told."""

    value: float | None
    low: float | None = None
    high: float | None = None


UNDEFINED = Bounded(None)


@dataclass(frozen=True)
class _Moved:
    """A metric, how far each row moves it, and how far its label alone does."""

    value: float
    by_row: Numbers
    by_label: Numbers


def estimates(score: Any) -> dict[str, Bounded]:
    """Return the expected metrics of binary scores.

    The bounds hold the realised metric with 95 % where labels are drawn from the scores, each for itself. Days on which
    labels go together, as flights in a storm, lie beyond them more often: see docs/decisions/019-monitoring.md.
    """
    p = np.asarray(score, np.float64)
    chance = p * (1 - p)
    found = {}
    for name, moved in _metrics(p, p, _places(p)).items():
        if moved is None:
            found[name] = UNDEFINED
            continue
        found[name] = _bounded(name, moved.value, float(np.sqrt((chance * moved.by_label**2).sum())), _NORMAL)
    return found


def proved(
    label: Any, score: Any, day: Any, kind: Literal["binary", "regression"] = "binary"
) -> tuple[dict[str, Bounded], dict[str, Bounded]]:
    """Return the realised metrics of labelled rows, and by how much the scores promised more.

    Both have bounds that take days as units of chance; of one day, its rows. A gap (estimated minus realised metric)
    whose bounds leave out zero says that labels no longer follow the scores as they did: concept drift. Of a regression
    there are no gaps.
    """
    y, p = np.asarray(label, np.float64), np.asarray(score, np.float64)
    if not len(p):
        return {}, {}
    units = _units(day)
    realised: dict[str, _Moved | None] = {"calibration_gap": _plain_mean(p - y)}
    if kind == "regression":
        return _by_unit(realised | {"mae": _plain_mean(np.abs(p - y))}, units), {}
    places = _places(p)
    own, expected = _metrics(y, p, places), _metrics(p, p, places)
    apart: dict[str, _Moved | None] = {}
    for name, promised in expected.items():
        truth = own[name]
        apart[name] = None
        if promised is not None and truth is not None:
            apart[name] = _Moved(promised.value - truth.value, promised.by_row - truth.by_row, promised.by_label)
    return _by_unit(realised | own, units), _by_unit(apart, units, is_gap=True)


def _places(p: Numbers) -> npt.NDArray[np.intp]:
    """Return the rank of each score, equal for ties."""
    return np.unique(p, return_inverse=True)[1]


def _metrics(weight: Numbers, p: Numbers, places: npt.NDArray[np.intp]) -> dict[str, _Moved | None]:
    """Return the metrics of scores where each row is an event with its weight: a label, or a probability."""
    if not len(p):
        return dict.fromkeys(ESTIMATED)
    sure = np.clip(p, CLIP, 1 - CLIP)
    return {
        "roc_auc": _ranking(weight, places),
        "brier": _mean(weight, (1 - p) ** 2, p**2),
        "log_loss": _mean(weight, -np.log(sure), -np.log1p(-sure)),
    }


def _mean(weight: Numbers, if_event: Numbers, if_not: Numbers) -> _Moved:
    losses = weight * if_event + (1 - weight) * if_not
    value = float(losses.mean())
    return _Moved(value, (losses - value) / len(losses), (if_event - if_not) / len(losses))


def _plain_mean(values: Numbers) -> _Moved:
    value = float(values.mean())
    return _Moved(value, (values - value) / len(values), np.zeros(len(values)))


def _ranking(weight: Numbers, place: npt.NDArray[np.intp]) -> _Moved | None:
    other = 1 - weight
    events_at, others_at = np.bincount(place, weight), np.bincount(place, other)
    events, others = events_at.sum(), others_at.sum()
    # What ranks below each row, ties as halves, without the row itself; and the events above it.
    below = (np.cumsum(others_at) - others_at / 2)[place] - other / 2
    above = (events - np.cumsum(events_at) + events_at / 2)[place] - weight / 2
    pairs = float(events * others - (weight * other).sum())
    if pairs <= 0:
        return None
    value = float((weight * below).sum() / pairs)
    with_others, with_events = others - other, events - weight
    by_row = weight * below + other * above - value * (weight * with_others + other * with_events)
    by_label = below - above - value * (with_others - with_events)
    return _Moved(value, by_row / pairs, by_label / pairs)


_ENDS = {"roc_auc": (0.0, 1.0), "brier": (0.0, 1.0), "log_loss": (0.0, np.inf), "mae": (0.0, np.inf)}
_NORMAL = float(stats.norm.ppf((1 + CONFIDENCE) / 2))


def _units(day: Any) -> npt.NDArray[np.intp]:
    """Return the unit of chance of each row: its day, or the row itself where there is one day."""
    units, _ = pd.factorize(pd.Series(day))
    return units if len(units) and units.max() else np.arange(len(units))


def _by_unit(
    metrics: Mapping[str, _Moved | None], units: npt.NDArray[np.intp], *, is_gap: bool = False
) -> dict[str, Bounded]:
    count = int(units.max()) + 1 if len(units) else 0
    found = {}
    for name, moved in metrics.items():
        if moved is None or count < MINIMUM_DAYS:
            found[name] = UNDEFINED if moved is None else Bounded(moved.value)
            continue
        by_unit = np.bincount(units, moved.by_row, count)
        error = float(np.sqrt(count / (count - 1) * (by_unit**2).sum()))
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
        found[name] = _bounded("gap" if is_gap else name, moved.value, error, reach)
    return found


def _bounded(metric: str, value: float, error: float, reach: float) -> Bounded:
    """Return a value with its bounds, kept to where a metric can be; a gap has no ends."""
    lowest, highest = _ENDS.get(metric, (-np.inf, np.inf))
    return Bounded(value, max(value - reach * error, lowest), min(value + reach * error, highest))
