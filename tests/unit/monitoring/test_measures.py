"""Which measures are alerts, and what a slice is judged by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.declaration import Limit, Monitoring
from catena.modeling.metrics import evaluate
from catena.monitoring import Measure, alerts, performance
from catena.monitoring.performance import of_slice

DECLARED = Monitoring(
    trailing_days=28, maximum_psi=0.25, drift_columns=("rate",), minimum_rows=50,
    limits=(Limit(measure="roc_auc", minimum=0.6, reason="Ranks badly."),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "is_alert"),
    [
        (Measure("roc_auc", 28, 0.59, 100), True),
        (Measure("roc_auc", 28, 0.61, 100), False),
        (Measure("roc_auc", 1, 0.2, 100), False),
        (Measure("roc_auc", 28, 0.2, 49), False),
        (Measure("roc_auc", 28, None, 100), False),
        (Measure("roc_auc", 28, 0.2, 100, "origin", "JFK"), False),
        (Measure("psi", 28, 0.3, 100, "feature", "rate"), True),
        (Measure("psi", 28, 0.25, 100, "feature", "rate"), False),
        (Measure("psi", 28, 9.0, 100, "feature", "season"), False),
        (Measure("psi", 28, 0.3, 100, "score", "score"), True),
    ],
)
def test_only_a_declared_limit_on_enough_rows_alerts(measure, is_alert):
    """Windows, slices, undeclared columns, missing values and small samples raise nothing."""
    rate = Measure("drift_rate", 28, 0.01, 100, measure.dimension, measure.value_of)
    assert bool(alerts([measure, rate], DECLARED)) is is_alert


def test_a_drift_must_be_large_and_more_than_days_differ():
    """A large index with a high false discovery rate, or with none since it could not be tested, is no alert."""
    drift = Measure("psi", 28, 0.9, 100, "feature", "rate")
    assert alerts([drift], DECLARED) == []
    assert alerts([drift, Measure("drift_rate", 28, 0.06, 100, "feature", "rate")], DECLARED) == []
    assert len(alerts([drift, Measure("drift_rate", 28, 0.05, 100, "feature", "rate")], DECLARED)) == 1


def test_where_a_limit_must_be_passed_for_sure_the_whole_interval_lies_beyond():
    """A value beyond the limit whose interval reaches back is no alert; without an interval nothing is sure."""
    sure = Monitoring(minimum_rows=1, limits=(Limit(measure="gap", maximum=0.02, is_sure=True, reason="r"),))
    assert alerts([Measure("gap", 28, 0.05, 100, low=0.01, high=0.09)], sure) == []
    assert len(alerts([Measure("gap", 28, 0.05, 100, low=0.03, high=0.07)], sure)) == 1
    assert alerts([Measure("gap", 28, 0.05, 100)], sure) == []


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_slice_has_the_metrics_of_the_modeling_package(kind):
    """The quick metrics of a slice are those of training and promotion, ties included."""
    rng = np.random.default_rng(3)
    score = np.round(rng.random(300), 1)
    label = (rng.random(300) < score).astype("float64")
    expected = evaluate(label, score, kind)
    found = of_slice(pd.DataFrame({"label": label, "score": score}), kind)
    shared = set(expected) & set(found)
    assert shared == ({"roc_auc", "brier"} if kind == "binary" else {"mae"})
    assert {name: found[name] for name in shared} == pytest.approx({name: expected[name] for name in shared})


def test_unknown_outcomes_count_in_coverage_only():
    """Rows without a label are part of the coverage and of nothing else."""
    scored = pd.DataFrame(
        {"partition": ["d"] * 3, "score": [0.2, 0.4, 0.9], "label": [0.0, np.nan, 1.0], "g": ["a", None, "b"]}
    )
    found = {item.name: item for item in performance(scored, "binary", 1, ())}
    assert found["label_coverage"].value == pytest.approx(2 / 3)
    assert (found["label_mean"].value, found["label_mean"].rows) == (0.5, 2)
    assert found["roc_auc"].value == 1.0


def test_one_class_has_no_ranking():
    """Where every outcome is the same, the ranking is null and the squared error stands."""
    scored = pd.DataFrame({"partition": ["d", "d"], "score": [0.5, 0.5], "label": [1.0, 1.0]})
    found = {item.name: item.value for item in performance(scored, "binary", 1, ())}
    assert (found["roc_auc"], found["brier"]) == (None, 0.25)
