"""What scores rest on: exact where it can be worked out, and never a made-up credit."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from catena.modeling.bootstrap import Resampling
from catena.modeling.explanation import contributions, permutation_importance, shares, without_sources
from catena.modeling.judged import Judged

SETTINGS = Resampling(confidence=0.9, resamples=200, seed=7)


def world() -> Judged:
    """Return a model that knows x alone, on 6 days of 20 rows; y is noise, z is one value."""
    chance = np.random.default_rng(1)
    x, y = chance.random(120), chance.random(120)
    frame = pd.DataFrame({"y": y, "x": x, "z": 1.0})
    rows = pd.DataFrame({"partition": np.repeat([f"d{n}" for n in range(6)], 20), "label": (x > 0.5) * 1.0})
    return Judged(lambda given: given["x"].fillna(0.5).to_numpy(dtype="float64"), frame, rows)


def test_shuffling_takes_the_column_that_matters_and_no_other():
    """The column x ranks perfectly: shuffled it loses about half; noise and a constant lose exactly nothing."""
    found = permutation_importance(world(), "roc_auc", SETTINGS)
    assert next(column for column, _ in found) == "x"
    losses = dict(found)
    assert losses["x"].estimate == pytest.approx(0.5, abs=0.12)
    assert losses["x"].low > 0.2
    assert (losses["y"].estimate, losses["z"].estimate) == (0.0, 0.0)


def test_a_missing_source_costs_what_it_told():
    """Without x all scores are 0.5, which ranks as chance does: the loss is 1 - 0.5. Without y nothing is lost."""
    of = world()
    found = {item.source: item for item in without_sources(of, {"a": ("x",), "b": ("y", "z")}, "roc_auc", SETTINGS)}
    assert found["a"].loss.estimate == pytest.approx(0.5)
    assert found["b"].loss.estimate == 0.0


def test_of_a_source_only_what_the_model_takes_is_missing():
    """A source of x and a column that the model does not take is x alone; one that it takes nothing of is left out."""
    (found,) = without_sources(world(), {"a": ("x", "gone"), "b": ("gone",)}, "roc_auc", SETTINGS)
    assert (found.source, found.columns) == ("a", ("x",))
    assert found.loss.estimate == pytest.approx(0.5)


def test_rows_are_shuffled_within_their_block():
    """A column that has one value in each block cannot change by it, though over all rows it would."""
    of = world()
    half = np.arange(120) >= 60
    by_half = Judged(of.score, of.frame.assign(x=half * 1.0), of.rows)
    assert dict(permutation_importance(by_half, "brier", SETTINGS, repeats=1, blocks=half))["x"].estimate == 0.0
    assert dict(permutation_importance(by_half, "brier", SETTINGS, repeats=1))["x"].estimate != 0.0


def test_a_model_that_refuses_missing_values_says_so():
    """The refusal is the finding; no number stands in its place."""
    of = world()

    def strict(frame):
        if frame.isna().any().any():
            raise ValueError("Input contains NaN.\nmore")
        return frame["x"]

    (found,) = without_sources(Judged(strict, of.frame, of.rows), {"a": ("x",)}, "roc_auc", SETTINGS)
    assert (found.loss, found.reason) == (None, "Input contains NaN.")
    assert found.as_dict()["loss"] is None


def test_contributions_of_a_sum_are_its_terms():
    """2 x + y from (1, 1) to (3, 0): x adds 4, y takes 1, a column without part adds nothing, without any error."""
    row = pd.DataFrame({"x": [3.0], "y": [0.0], "k": ["B"]}).astype({"k": object})
    references = pd.DataFrame({"x": [1.0] * 3, "y": [1.0] * 3, "k": ["A"] * 3}).astype({"k": object})
    found = contributions(lambda frame: (2 * frame["x"] + frame["y"]).to_numpy(), row, references, seed=3)
    assert (found.score, found.reference) == (6.0, 3.0)
    assert {item.column: item.amount for item in found.contributions} == {"x": 4.0, "y": -1.0, "k": 0.0}
    assert [item.column for item in found.contributions] == ["x", "y", "k"]
    assert {item.standard_error for item in found.contributions} == {0.0}


def test_contributions_add_up_and_are_shapleys_values():
    """Of a product with a category, they add up exactly, and come near the mean over all orders, worked out apart."""
    chance = np.random.default_rng(5)
    references = pd.DataFrame(chance.random((400, 3)), columns=["a", "b", "c"])
    row = pd.DataFrame({"a": [2.0], "b": [3.0], "c": [-1.0]})

    def score(frame):
        return (frame["a"] * frame["b"] + frame["a"] * frame["b"] * frame["c"]).to_numpy()

    found = contributions(score, row, references, seed=3)
    amounts = {item.column: item.amount for item in found.contributions}
    assert sum(amounts.values()) == pytest.approx(found.score - found.reference)
    assert found.reference == pytest.approx(float(score(references).mean()))
    exact = dict.fromkeys("abc", 0.0)
    for order in itertools.permutations("abc"):
        walked = references.copy()
        for name in order:
            before = score(walked).mean()
            walked[name] = row[name].iloc[0]
            exact[name] += (score(walked).mean() - before) / math.factorial(3)
    errors = {item.column: item.standard_error for item in found.contributions}
    for name, value in exact.items():
        assert amounts[name] == pytest.approx(value, abs=4 * errors[name])


def test_shares_are_the_mean_size_of_shapleys_values():
    """Against all orders of three columns and every reference, worked out apart; a column without part has none."""
    chance = np.random.default_rng(6)
    references = pd.DataFrame(chance.random((200, 3)), columns=["a", "b", "c"])
    rows = pd.DataFrame(chance.normal(size=(6, 3)), columns=["a", "b", "c"])

    def score(frame):
        return (frame["a"] * (1 + frame["b"])).to_numpy()

    exact = dict.fromkeys("abc", 0.0)
    for place in range(len(rows)):
        added = dict.fromkeys("abc", 0.0)
        for order in itertools.permutations("abc"):
            walked = references.copy()
            for name in order:
                before = score(walked).mean()
                walked[name] = rows[name].iloc[place]
                added[name] += (score(walked).mean() - before) / math.factorial(3)
        for name, value in added.items():
            exact[name] += abs(value) / len(rows)
    found = {item.column: item for item in shares(score, rows, references, seed=2)}
    assert {name: item.amount for name, item in found.items()} == pytest.approx(exact, abs=0.03)
    assert (found["c"].amount, found["c"].standard_error) == (0.0, 0.0)
    assert [*found] == sorted(found, key=lambda name: -found[name].amount)
