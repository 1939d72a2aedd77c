"""Selection of features in a world whose truth is known: one strong column with a copy, a second one, and noise."""

from __future__ import annotations

import dataclasses
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from catena.declaration import Model, Recipe, Selection
from catena.modeling.dataset import Boundaries, TrainingSet
from catena.modeling.errors import TooFewRows
from catena.modeling.selected import FeatureCost
from catena.modeling.selection import select_features

NUMERIC = ("strong", "copy", "other", "noise", "hum")
COSTS = {name: FeatureCost("a" if name in {"strong", "copy", "kind"} else "b") for name in (*NUMERIC, "kind")}
RULE = Selection(
    metric="roc_auc", folds=3, fold_days=4, rows=1000, resamples=200, minimum_gain=0.005, margin=0.02, repeats=1
)  # fmt: skip


def pipeline(recipe: Recipe) -> Pipeline:
    columns = ColumnTransformer([
        ("numeric", StandardScaler(), list(recipe.numeric)),
        ("kind", OneHotEncoder(handle_unknown="ignore"), list(recipe.categorical)),
    ])  # fmt: skip
    return Pipeline([("columns", columns), ("logistic", LogisticRegression(random_state=recipe.seed))])


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("selected_models")
    made.pipeline = pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "selected_models", made)


@pytest.fixture
def model() -> Model:
    return Model(
        factory="selected_models:pipeline", numeric=NUMERIC, categorical=("kind",), baseline_by=("kind",), slices=(),
        minimum_rows=100,
    )  # fmt: skip


def world(days: int = 20, rows: int = 60) -> TrainingSet:
    """Return 20 days of which 2 are held out; the label hangs on `strong` and half as much on `other`."""
    chance, count = np.random.default_rng(8), days * rows
    frame = pd.DataFrame({name: chance.normal(size=count) for name in ("strong", "other", "noise", "hum")})
    frame["copy"] = frame["strong"] + 0.05 * chance.normal(size=count)
    frame["kind"] = chance.choice(["x", "y"], count)
    frame["label"] = (chance.random(count) < 1 / (1 + np.exp(-2 * frame["strong"] - frame["other"]))) * 1.0
    day = np.repeat(np.arange(days), rows)
    frame["partition"] = [f"2024-01-{number + 1:02d}" for number in day]
    at = pd.Timestamp("2024-01-01 08:00", tz="UTC") + pd.to_timedelta(day, "D")
    frame["decision_at"], frame["label_known_at"] = at, at + pd.Timedelta(hours=3)
    held = day >= days - 2
    return TrainingSet(
        train=frame[~held].reset_index(drop=True), purged=frame[:0], holdout=frame[held].reset_index(drop=True),
        identity=0, boundaries=Boundaries("2024-01-19", "2024-01-20", 2, 0, "2024-01-19", ""), digests={},
    )  # fmt: skip


def test_what_helps_is_kept_and_copies_and_noise_go(model: Model):
    """Of strong and its copy one stays, other stays, noise goes; each column has its reason with numbers."""
    found = select_features(world(), model, RULE, COSTS)
    because = {item.column: item.because for item in found.features}
    assert len({"strong", "copy"} & set(found.kept)) == 1
    assert "other" in found.kept
    assert {"noise", "hum", "kind"} <= set(found.dropped)
    assert sorted(because[name] for name in ("strong", "copy")) == ["helps", "redundant"]
    assert (because["other"], because["noise"]) == ("helps", "not shown to help")
    assert found.decision == "SELECTED"
    assert found.trials[-1].gain.low >= -RULE.margin
    assert all("roc_auc" in item.reason or "association at least 1.00" in item.reason for item in found.features)
    assert {(item.kind, item.name) for item in found.evidence.ablations} == {
        ("source", "a"), ("source", "b"), ("cluster", "strong"),
    }  # fmt: skip


def test_days_held_out_are_never_read(model: Model):
    """With the holdout and the purged rows poisoned in every column, nothing changes; nor does it on a second run."""
    data = world()
    poisoned = dataclasses.replace(
        data, holdout=data.holdout.assign(**dict.fromkeys(data.holdout.columns, "poison")),
        purged=data.holdout.assign(label=1 - data.holdout["label"]),
    )  # fmt: skip
    assert (
        select_features(poisoned, model, RULE, COSTS).as_dict() == select_features(data, model, RULE, COSTS).as_dict()
    )


def test_of_two_that_say_the_same_the_cheaper_one_stays(model: Model):
    """Shuffled both cost about the same: the source that takes less time is preferred, whichever it is."""
    for cheap, dear in (("strong", "copy"), ("copy", "strong")):
        costs = {**COSTS, cheap: FeatureCost("a", cpu_ms=1.0), dear: FeatureCost("b", cpu_ms=800.0)}
        rule = RULE.model_copy(update={"required": ()})
        found = select_features(world(), _alike(model), rule, costs)
        assert (cheap in found.kept, dear in found.kept) == (True, False)


def _alike(model: Model) -> Model:
    """Return a model whose penalty makes it lean on both copies alike."""
    sys.modules["selected_models"].pipeline = lambda recipe: pipeline(recipe).set_params(logistic__C=0.003)  # type: ignore[attr-defined]
    return model


def test_required_columns_stay_and_speak_for_their_copies(model: Model):
    """Noise that is required stays with that reason; a required copy makes the other one redundant."""
    rule = RULE.model_copy(update={"required": ("noise", "copy")})
    found = select_features(world(), model, rule, COSTS)
    because: dict[str, Any] = {item.column: item.because for item in found.features}
    assert (because["noise"], because["copy"], because["strong"]) == ("required", "required", "redundant")


def test_all_are_kept_where_no_smaller_set_is_shown_not_to_lose(model: Model):
    """A margin of nothing can be shown by no interval: all columns stay, and the reason says so."""
    found = select_features(world(), model, RULE.model_copy(update={"margin": 1e-9}), COSTS)
    assert (found.decision, found.kept, found.dropped) == ("KEPT_ALL", model.features, ())
    assert "of no smaller set is it shown that it loses less than 1e-09" in found.reason
    assert {item.because for item in found.features} == {"helps", "needed together"}


def test_what_cannot_be_judged_is_an_error_and_no_choice(model: Model):
    """Too few days make no fold; a column without a cost is named."""
    with pytest.raises(TooFewRows, match="do not make a fold"):
        select_features(world(days=6), model, RULE.model_copy(update={"fold_days": 4}), COSTS)
    with pytest.raises(KeyError, match="kind"):
        select_features(world(), model, RULE, {name: COSTS[name] for name in NUMERIC})
