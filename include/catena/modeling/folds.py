"""Folds that walk forward in time: each is judged on days after those it is fitted on. Pure.

What is measured on them belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.modeling.errors import TooFewRows
from catena.partitions import shift_day

Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Fold:
    """A fold of a frame of labelled rows.

    Attributes:
        fit: places of the rows to fit on; their labels were known at the first decision of the judged ones.
        judged: places of the rows to judge on.
        days: the judged days, in order.
    """

    fit: Places
    judged: Places
    days: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "first": self.days[0], "last": self.days[-1], "fit_rows": len(self.fit), "judged_rows": len(self.judged),
        }  # fmt: skip


def fold_on(
    rows: pd.DataFrame, days: Sequence[str], *, embargo_days: int = 0, fit_days: int | None = None
) -> Fold:  # fmt: skip
    """Return the fold that is judged on some days, and fitted on what was known before them.

    Args:
        rows: `partition`, `decision_at` and `label_known_at`, as in a training set.
        days: the judged days, in order; each has rows.
        embargo_days: days before the judged ones that are not fitted on, besides rows whose labels came later.
        fit_days: fit on no more days than these; None: on all before.
    """
    day = rows["partition"].to_numpy(dtype=np.str_)
    judged = np.isin(day, days)
    end = shift_day(days[0], -embargo_days)
    fit = (day < end) & (rows["label_known_at"] <= rows["decision_at"][judged].min()).to_numpy()
    if fit_days is not None:
        fit &= day >= shift_day(end, -fit_days)
    return Fold(np.flatnonzero(fit), np.flatnonzero(judged), tuple(days))


def walk_forward(
    rows: pd.DataFrame, *, folds: int, fold_days: int, embargo_days: int = 0, fit_days: int | None = None,
    minimum_rows: int = 1,
) -> list[Fold]:  # fmt: skip
    """Return the folds over the last days of labelled rows, the earliest first.

    Args:
        rows: `partition`, `decision_at` and `label_known_at`, as in a training set.
        folds: how many; those before which too few rows lie are left out.
        fold_days: days with rows on which each is judged.
        embargo_days: as of `fold_on`.
        fit_days: as of `fold_on`.
        minimum_rows: fewest rows to fit on.

    Raises:
        TooFewRows: not even the last fold has that many.
    """
    there = sorted(set(rows["partition"]))
    found = []
    for back in range(folds, 0, -1):
        start = len(there) - back * fold_days
        if start < 1:
            continue
        fold = fold_on(rows, there[start : start + fold_days], embargo_days=embargo_days, fit_days=fit_days)
        if len(fold.fit) >= minimum_rows:
            found.append(fold)
    if not found:
        raise TooFewRows(
            f"{len(rows)} rows on {len(there)} days do not make a fold of {fold_days} days with {minimum_rows} rows "
            "before it"
        )
    return found


def thinned(places: Places, day: npt.NDArray[np.str_], most: int) -> Places:
    """Return at most so many places, by leaving out whole days evenly; the newest day stays, and is all that may.

    Args:
        places: of rows, in order of time.
        day: the day of every row of the frame.
    """
    if len(places) <= most:
        return places
    there = sorted(set(day[places].tolist()))
    for kept in range(len(there) * most // len(places), 1, -1):
        days = {there[place] for place in np.linspace(0, len(there) - 1, kept).round().astype(int)}
        found = places[np.isin(day[places], list(days))]
        if len(found) <= most:
            return found
    newest: Places = places[day[places] == there[-1]]
    return newest
