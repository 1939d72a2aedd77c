"""The age of models, on a few days whose losses are told by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from catena.modeling.bootstrap import Resampling
from catena.modeling.staleness import DayScore, scored_days, staleness_curve
from catena.reports.staleness import headline_of_staleness

SETTINGS = Resampling(confidence=0.9, resamples=200, seed=7)


def test_each_day_has_its_own_measure_where_it_is_defined():
    """Errors of 1 and 3 on the first day are 2 in the mean; a day of one outcome alone has no ROC AUC."""
    rows = pd.DataFrame({"partition": ["2024-02-01"] * 2 + ["2024-02-02"] * 2, "label": [0.0, 1.0, 1.0, 1.0]})
    (one, two) = scored_days("m/1", "2024-01-31", rows, [1.0, 4.0, 1.0, 1.0], metric="mae", kind="regression")
    assert (one.value, one.rows, one.age_days, two.value, two.age_days) == (2.0, 2, 1, 0.0, 2)
    (found,) = scored_days("m/1", "2024-01-31", rows, [0.1, 0.9, 0.5, 0.5], metric="roc_auc", kind="binary")
    assert (found.day, found.value) == ("2024-02-01", 1.0)


def test_loss_is_to_the_newest_model_of_the_same_day():
    """March: version 2, of February, has 0.8, version 1, of January, 0.7. In February version 1 is itself the newest.

    January's end to 1 March is 30 days: week 5. On both sides of the month the days are as hard as they are.
    """
    february = [DayScore("m/1", "2024-01-31", f"2024-02-{day:02d}", 0.75, 10) for day in range(1, 8)]
    march = [
        DayScore(version, cut, f"2024-03-{day:02d}", value, 10)
        for day in range(1, 5)
        for version, cut, value in (("m/1", "2024-01-31", 0.7), ("m/2", "2024-02-29", 0.8))
    ]
    curve = {item["week"]: item for item in staleness_curve([*february, *march], "roc_auc", SETTINGS)}
    assert set(curve) == {1, 5}
    assert (curve[1]["versions"], curve[1]["days"], curve[1]["loss"]["estimate"]) == (2, 11, 0.0)
    assert curve[1]["metric"]["estimate"] == pytest.approx((7 * 0.75 + 4 * 0.8) / 11)
    assert curve[5]["loss"]["estimate"] == pytest.approx(0.1)
    assert (curve[5]["rows"], curve[5]["days"]) == (40, 4)
    errors = staleness_curve(march, "mae", SETTINGS)
    assert errors[-1]["loss"]["estimate"] == pytest.approx(-0.1)
    assert "5 weeks old loses 0.100" in headline_of_staleness("roc_auc", list(curve.values()))


def test_the_day_of_the_cut_is_no_age():
    """A version is not judged on days that it learned from."""
    assert staleness_curve([DayScore("m/1", "2024-01-31", "2024-01-31", 0.7, 10)], "roc_auc", SETTINGS) == []
    assert headline_of_staleness("roc_auc", []) == "No version has been seen on a later day yet."
