"""Behaviour tests: loud where a model misbehaves, silent where it does not, and never sure by few days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from catena.declaration import Direction, Invariance, MinimumFunctionality, Proof
from catena.modeling.behaviour import behave
from catena.modeling.bootstrap import Resampling
from catena.modeling.judged import Judged, changed

SETTINGS = Resampling(confidence=0.9, resamples=200, seed=7)
DAYS = 5


def model(score, *, days: int = DAYS, x=(0.0, 1.0, 2.0, 3.0)) -> Judged:
    """Return a model on four rows a day: x rises, kind is A or B; `score` takes the frame."""
    frame = pd.DataFrame({"x": list(x) * days, "kind": ["A", "B"] * (2 * days)})
    frame["kind"] = frame["kind"].astype(object)
    rows = pd.DataFrame(
        {"partition": np.repeat([f"2024-01-0{n + 1}" for n in range(days)], 4), "label": 0.0, "entity": "e"}
    )
    return Judged(lambda given: np.asarray(score(given), dtype="float64"), frame, rows)


def rising(frame):
    return 0.1 * frame["x"]


def by_kind(frame):
    return 0.2 + 0.3 * (frame["kind"] == "B")


ALIKE = Invariance(name="alike", reason="r", change={"kind": "A"}, tolerance=0.1, minimum_share=0.9)
UP = Direction(name="up", reason="r", column="x", add=2, expected="not_lower")
CASE = MinimumFunctionality(name="case", reason="r", lower={"x": 0.0}, higher={"x": 3.0}, minimum_share=0.9)


def test_invariance_is_silent_where_the_column_does_not_matter():
    """No score moves: all rows obey on each day, so the share is 1 beyond doubt."""
    found = behave(ALIKE, model(rising), SETTINGS)
    assert (found.verdict, found.estimate.estimate, found.estimate.low, found.largest) == ("passed", 1.0, 1.0, 0.0)


def test_invariance_is_loud_where_the_column_matters():
    """The rows of kind B, half of all, move by 0.3."""
    found = behave(ALIKE, model(by_kind), SETTINGS)
    assert (found.verdict, found.obeying, found.rows) == ("failed", 0.5, 20)
    assert found.largest == pytest.approx(0.3)
    assert "estimate" in found.as_dict()


def test_direction_is_the_change_of_the_mean():
    """Raising x by 2 raises 0.1 x by 0.2; a model that falls with x is found, and so is the opposite expectation."""
    found = behave(UP, model(rising), SETTINGS)
    assert (found.verdict, found.obeying) == ("passed", 1.0)
    assert found.estimate.estimate == pytest.approx(0.2)
    falling = behave(UP, model(lambda frame: -0.1 * frame["x"]), SETTINGS)
    assert falling.verdict == "failed"
    assert falling.largest == pytest.approx(0.2)
    down = UP.model_copy(update={"expected": "not_higher"})
    assert behave(down, model(rising), SETTINGS).verdict == "failed"
    assert behave(down.model_copy(update={"tolerance": 0.21}), model(rising), SETTINGS).verdict == "passed"


def test_direction_leaves_out_rows_without_the_column():
    """A missing number cannot be raised: its row is not asked, and the count says so."""
    found = behave(UP, model(rising, x=(0.0, np.nan, 2.0, 3.0)), SETTINGS)
    assert (found.rows, found.estimate.rows) == (15, 15)
    nothing = behave(UP, model(rising, x=(np.nan,) * 4), SETTINGS)
    assert (nothing.verdict, nothing.rows, nothing.obeying) == ("not shown", 0, None)


def test_a_simple_case_ranks_above_its_opposite():
    """The same row with x = 3 scores 0.3 above itself with x = 0; a constant model does not rank them."""
    assert behave(CASE, model(rising), SETTINGS).verdict == "passed"
    assert behave(CASE, model(lambda frame: np.full(len(frame), 0.5)), SETTINGS).verdict == "failed"
    assert behave(CASE.model_copy(update={"margin": 0.31}), model(rising), SETTINGS).verdict == "failed"


@pytest.mark.parametrize("test", [ALIKE, UP, CASE], ids=lambda test: test.name)
def test_two_days_show_nothing(test):
    """All rows obey, but two days carry no interval: that is no proof."""
    found = behave(test, model(rising, days=2), SETTINGS)
    assert (found.verdict, found.obeying) == ("not shown", 1.0)
    assert "too few" in found.estimate.reason


def test_an_unsure_mean_is_not_shown():
    """One bad day of five holds the mean above zero, but not its lower bound."""
    judged = model(lambda frame: frame["x"])
    lead = np.repeat([1.0, 1.0, 1.0, 1.0, -2.0], 4)
    uneven = Judged(lambda frame: frame["x"] * lead, judged.frame, judged.rows)
    assert behave(UP, uneven, SETTINGS).verdict == "not shown"


def test_columns_are_set_as_the_model_takes_them():
    """A missing number is NaN, a missing category its word; a number for a category is its text; the rest stays."""
    frame = model(rising).frame
    found = changed(frame, {"x": None, "kind": None})
    assert found["x"].isna().all()
    assert set(found["kind"]) == {"(none)"}
    assert list(changed(frame, {"kind": 7})["kind"])[:1] == ["7"]
    assert changed(frame, {"x": 4})["x"].dtype == "float64"
    with pytest.raises(KeyError, match="'y'"):
        changed(frame, {"y": 1})


def test_declarations_that_contradict_themselves_are_refused():
    """Cases of other columns, and two tests of one name, fail where they are written."""
    with pytest.raises(ValidationError, match="same columns"):
        MinimumFunctionality(name="case", reason="r", lower={"x": 0.0}, higher={"y": 3.0})
    with pytest.raises(ValidationError, match="twice"):
        Proof(tests=(UP, CASE.model_copy(update={"name": "up"})))
    assert Proof(tests=(ALIKE, UP, CASE), sources={"s": ("z",)}).columns == {"kind", "x", "z"}
    assert Proof.model_validate(Proof(tests=(ALIKE, UP, CASE)).model_dump(mode="json")).tests == (ALIKE, UP, CASE)


def test_a_column_that_the_model_does_not_take_moves_no_score():
    """What must not matter does not, what must not lower does not, and what should be told apart is not."""
    of = model(rising)
    blind = Judged(of.score, of.frame[["x"]], of.rows)
    assert behave(ALIKE, blind, SETTINGS).verdict == "passed"
    up = Direction(name="up", reason="r", column="kind", add=2, expected="not_lower")
    found = behave(up, blind, SETTINGS)
    assert (found.verdict, found.rows, found.estimate.estimate) == ("passed", 20, 0.0)
    case = MinimumFunctionality(name="case", reason="r", lower={"kind": "A"}, higher={"kind": "B"})
    assert behave(case, blind, SETTINGS).verdict == "failed"
