"""Features are selected once for a training set and a declaration, and what is built on it can name the entry."""

from __future__ import annotations

import sys

import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from catena.chain.training.selection import select_month, selected_features, selection_of, selection_path
from catena.chain.training.snapshots import take_snapshot
from catena.chain.training.training_data import TrainingTables
from catena.declaration import Selection
from catena.partitions import days_of_month
from catena.reports import card_disagreements

JANUARY = days_of_month("2024-01")
RULE = Selection(
    metric="roc_auc", folds=2, fold_days=5, rows=1000, resamples=100, repeats=1, minimum_gain=0.01, margin=0.05
)  # fmt: skip


def with_shop(recipe):
    columns = ColumnTransformer([
        ("numeric", StandardScaler(), list(recipe.numeric)),
        ("shop", OneHotEncoder(handle_unknown="ignore"), list(recipe.categorical)),
    ])  # fmt: skip
    return Pipeline([("columns", columns), ("logistic", LogisticRegression(random_state=recipe.seed))])


@pytest.fixture
def selecting(declare, monkeypatch):
    """A use case whose model takes the signal, and the shop, which says nothing."""
    monkeypatch.setattr(sys.modules["toy_models"], "with_shop", with_shop, raising=False)
    made = declare(factory="toy_models:with_shop", numeric=("signal",), categorical=("shop",))
    return made.model_copy(update={"selection": RULE})


def test_a_selection_is_made_once_and_shown(local, selecting, land, run_of):
    """The signal stays and the shop goes; asked again nothing is measured, and the page carries its numbers."""
    land(JANUARY)
    outcome = select_month(local, selecting, "2024-01", run_of("select"))
    assert (outcome.details["decision"], outcome.details["kept"], outcome.details["dropped"]) == (
        "SELECTED", ["signal"], ["shop"],
    )  # fmt: skip
    page = selection_path(local, selecting, "2024-01").read_text(encoding="utf-8")
    assert card_disagreements(page) == []
    assert "1 of 2 columns are kept" in page
    assert "selections/2024-01.html" in (local.settings.pages / "index.html").read_text(encoding="utf-8")
    again = select_month(local, selecting, "2024-01", run_of("select"))
    assert again.details == outcome.details
    assert len(local.ledger.entries("toys", kind="selection")) == 1


def test_another_declaration_is_another_selection(local, selecting, land, run_of):
    """With the shop required both stay; each selection is found again by what its user keeps of it."""
    land(JANUARY)
    lake, ledger = local.lake(selecting), local.ledger
    versions = TrainingTables(lake, ledger, selecting).versions()
    snapshot = take_snapshot(lake, ledger, selecting, "2024-01", run=run_of("train"), versions=versions)
    required = selecting.model_copy(update={"selection": RULE.model_copy(update={"required": ("shop",)})})
    one = selected_features(local, selecting, snapshot, run_of("select"))
    other = selected_features(local, required, snapshot, run_of("select"))
    assert (one.numeric, one.categorical) == (("signal",), ())
    assert (other.numeric, other.categorical) == (("signal",), ("shop",))
    assert (other.entry.decision, other.entry.payload["dropped"]) == ("KEPT_ALL", [])
    for selected in (one, other):
        assert selection_of(ledger, selecting, selected.as_dict()) == selected.entry
    assert selection_of(ledger, selecting, None) is None


def test_where_nothing_can_be_judged_all_columns_stay(local, selecting, land, run_of):
    """A month with one outcome alone: the entry says why, and there is no page to show."""
    land(JANUARY, bought=1)
    outcome = select_month(local, selecting, "2024-01", run_of("select"))
    assert (outcome.details["decision"], outcome.details["kept"]) == ("KEPT_ALL", ["signal", "shop"])
    assert "nothing could be judged: all" in outcome.reason
    assert not selection_path(local, selecting, "2024-01").exists()


def test_what_is_not_there_is_waited_for_and_what_is_not_declared_is_left(local, selecting, declare, land, run_of):
    """A missing day is named; without a declaration all columns are taken and nothing is entered."""
    land(JANUARY[:-1])
    waiting = select_month(local, selecting, "2024-01", run_of("select"))
    assert (waiting.status, waiting.reason) == (
        "skipped", "2024-01 waits for features[2024-01-31], outcomes[2024-01-31]",
    )  # fmt: skip
    assert select_month(local, declare(), "2024-01", run_of("select")).reason == (
        "use case toys declares no selection of features"
    )
    assert local.ledger.entries("toys", kind="selection") == []
