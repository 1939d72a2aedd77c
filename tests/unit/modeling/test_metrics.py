"""Metrics agree with their definitions, and are None where a set of rows does not define them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from catena.modeling.baseline import GroupMeanClassifier, GroupMeanRegressor
from catena.modeling.metrics import binary_metrics, gain, metrics_by_slice, regression_metrics, reliability_curve


def test_binary_metrics_by_hand():
    """Three of four pairs are ranked right; the squared errors are 0.01, 0.16, 0.09 and 0.04."""
    found = binary_metrics([0, 1, 0, 1], [0.1, 0.6, 0.7, 0.8])
    assert found["roc_auc"] == pytest.approx(3 / 4)
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.49 + 0.04) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.3, 0.8]).mean())
    assert found["ece"] == pytest.approx((0.1 + 0.4 + 0.7 + 0.2) / 4)


def test_one_class_and_no_rows_are_none():
    """Ranking within one class is undefined, not an error."""
    assert binary_metrics([1, 1], [0.2, 0.9])["roc_auc"] is None
    assert set(binary_metrics([], []).values()) == set(regression_metrics([], []).values()) == {None}
    assert regression_metrics([2.0, 2.0], [1.0, 2.0])["r2"] is None


def test_regression_metrics_by_hand():
    """Errors 1, 0 and 2 around a mean of 2."""
    found = regression_metrics([1.0, 2.0, 3.0], [2.0, 2.0, 1.0])
    assert found == pytest.approx({"mae": 1.0, "rmse": (5 / 3) ** 0.5, "r2": 1 - 5 / 2})


def test_direction_of_gain():
    """More AUC is better, less error is better."""
    assert gain("roc_auc", 0.8, 0.7) > 0 > gain("roc_auc", 0.7, 0.8)
    assert gain("mae", 1.0, 2.0) > 0 > gain("brier", 0.2, 0.1)


def test_slices_count_their_rows():
    """Each value of a slice, also the missing one, has its own metrics and rows."""
    rows = pd.DataFrame({"label": [0, 1, 1], "shop": ["A", "A", None]})
    found = metrics_by_slice(rows, [0.1, 0.9, 0.5], ("shop",), "binary")["shop"]
    assert (found["A"]["rows"], found["A"]["roc_auc"]) == (2, 1.0)
    assert (found["(none)"]["rows"], found["(none)"]["roc_auc"]) == (1, None)
    assert sum(item["rows"] for item in reliability_curve([0, 1, 1], [0.0, 1.0, 0.5])) == 3


def test_a_baseline_is_the_shrunken_mean_of_its_group():
    """Two rows of one group weigh two against `prior_rows` of the mean of all; an unseen group gets the mean of all."""
    frame = pd.DataFrame({"carrier": ["UA", "UA", "B6", None], "hour": [6, 6, 7, 7]})
    model = GroupMeanClassifier(by=("carrier", "hour"), prior_rows=2.0).fit(frame, [1, 1, 0, 0])
    asked = pd.DataFrame({"carrier": ["UA", "B6", "ZZ", None], "hour": [6.0, 7.0, 6.0, 7.0]})
    expected = [(2 + 2 * 0.5) / 4, (0 + 2 * 0.5) / 3, 0.5, (0 + 2 * 0.5) / 3]
    assert model.predict_proba(asked)[:, 1] == pytest.approx(expected)
    values = GroupMeanRegressor(by=("carrier",), prior_rows=0.0).fit(frame[:3], [10.0, 20.0, 5.0])
    assert values.predict(asked[:2]) == pytest.approx([15.0, 5.0])
