"""Folds that walk forward: nothing a fold is fitted on was unknown when the first row it is judged on was decided."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.modeling.errors import TooFewRows
from catena.modeling.folds import thinned, walk_forward


def rows(days: int, hours_to_label: float = 3) -> pd.DataFrame:
    """Return four rows a day at 6, 12, 18 and 23 o'clock, whose labels are known some hours later."""
    at = [
        pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=day, hours=hour)
        for day in range(days)
        for hour in (6, 12, 18, 23)
    ]
    found = pd.DataFrame({"decision_at": at, "partition": [f"{each:%Y-%m-%d}" for each in at]})
    found["label_known_at"] = found["decision_at"] + pd.Timedelta(hours=hours_to_label)
    return found


def test_each_fold_is_judged_on_the_days_after_its_own():
    """Of 10 days, 3 folds of 2 days judge days 5 to 10; the first is fitted on days 1 to 4, the last on 1 to 8."""
    found = walk_forward(rows(10), folds=3, fold_days=2)
    assert [fold.days for fold in found] == [
        ("2024-01-05", "2024-01-06"), ("2024-01-07", "2024-01-08"), ("2024-01-09", "2024-01-10"),
    ]  # fmt: skip
    assert [(len(fold.fit), len(fold.judged)) for fold in found] == [(16, 8), (24, 8), (32, 8)]


def test_rows_whose_labels_were_not_known_yet_are_purged():
    """A label that takes 8 hours: of the day before, the rows of 23 o'clock are known at 7 only, after 6 o'clock."""
    (fold,) = walk_forward(rows(3, hours_to_label=8), folds=1, fold_days=1)
    assert fold.fit.tolist() == [0, 1, 2, 3, 4, 5, 6]
    (fold,) = walk_forward(rows(3), folds=1, fold_days=1, embargo_days=1)
    assert fold.fit.tolist() == [0, 1, 2, 3]


def test_folds_without_enough_rows_before_them_are_left_out_and_none_is_an_error():
    """5 days hold 2 folds of 2 days, the first of which has 4 rows to fit on."""
    assert len(walk_forward(rows(5), folds=4, fold_days=2)) == 2
    assert len(walk_forward(rows(5), folds=4, fold_days=2, minimum_rows=5)) == 1
    with pytest.raises(TooFewRows, match="20 rows on 5 days do not make a fold of 5 days"):
        walk_forward(rows(5), folds=4, fold_days=5)


def test_thinning_leaves_out_whole_days_evenly_and_keeps_the_newest():
    """Of 10 days with 4 rows, 20 rows at most are 5 days, the first and the last among them."""
    frame = rows(10)
    day = frame["partition"].to_numpy(dtype=np.str_)
    found = thinned(np.arange(40), day, 20)
    kept = [str(name) for name in np.unique(day[found])]
    assert len(found) == 20
    assert (len(kept), kept[0], kept[-1]) == (5, "2024-01-01", "2024-01-10")
    assert all((day[found] == name).sum() == 4 for name in kept)
    assert set(day[thinned(np.arange(40), day, 3)]) == {"2024-01-10"}
    assert len(thinned(np.arange(40), day, 40)) == 40
