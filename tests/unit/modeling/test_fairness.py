"""Groups compared: differences by hand, and a verdict only where the days carry it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from catena.declaration import Fairness
from catena.modeling.bootstrap import Resampling, difference_interval
from catena.modeling.fairness import fairness
from catena.modeling.judged import Judged

SETTINGS = Resampling(confidence=0.9, resamples=200, seed=7)
DAYS = 8
MISSED = Fairness(name="missed", reason="r", by="shop", measure="false_negative_rate", threshold=0.5, tolerance=0.2,
                  minimum_rows=10)  # fmt: skip


def world(scores: dict[str, tuple[float, ...]]) -> Judged:
    """Return eight equal days; on each, a shop has one event for each of its scores, and one non-event scored 0."""
    rows = [
        {"partition": f"2024-01-{day + 1:02d}", "shop": shop, "score": score, "label": label}
        for day in range(DAYS)
        for shop, of_shop in scores.items()
        for score, label in (*((score, 1.0) for score in of_shop), (0.0, 0.0))
    ]
    frame = pd.DataFrame(rows)
    return Judged(lambda given: given["score"].to_numpy(), frame[["score"]], frame)


def test_events_that_are_missed_in_one_group_more_than_in_others():
    """Shop A misses one of four events, B all of them, C none: against the others together -0.25, 0.875, -0.625."""
    of = world({"A": (0.9, 0.8, 0.7, 0.1), "B": (0.1,) * 4, "C": (0.9,) * 4})
    found = {item["group"]: item for item in fairness(of, [MISSED], SETTINGS)}
    assert {name: item["value"] for name, item in found.items()} == {"A": 0.25, "B": 1.0, "C": 0.0}
    differences = {name: item["difference"]["estimate"] for name, item in found.items()}
    assert differences == pytest.approx({"A": -0.25, "B": 0.875, "C": -0.625})
    assert {name: item["verdict"] for name, item in found.items()} == {"A": "failed", "B": "failed", "C": "failed"}
    assert found["A"]["rows"] == 4 * DAYS
    # Of five rows a day four are events, in the shop as in the others.
    assert (found["A"]["happened"], found["A"]["others_happened"], found["A"]["is_criterion"]) == (0.8, 0.8, True)
    calm = fairness(world({"A": (0.9, 0.1), "B": (0.9, 0.1)}), [MISSED], SETTINGS)
    assert [item["verdict"] for item in calm] == ["passed", "passed"]


def test_few_rows_and_few_days_show_nothing():
    """A group below the declared rows is not judged however it differs; nor is anything on two days."""
    of = world({"A": (0.1,), "B": (0.9,) * 4})
    assert [item["verdict"] for item in fairness(of, [MISSED], SETTINGS)] == ["not shown", "failed"]
    two = of.rows["partition"] <= "2024-01-02"
    short = Judged(of.score, of.frame[two], of.rows[two].reset_index(drop=True))
    (_, found) = fairness(short, [MISSED.model_copy(update={"minimum_rows": 1})], SETTINGS)
    assert (found["verdict"], found["difference"]["low"]) == ("not shown", None)


def test_calibration_is_the_mean_score_minus_what_happened():
    """Shop A has scores 0.5 and 0 where 1 and 0 happened: -0.25; B hits exactly: 0."""
    rule = Fairness(name="level", reason="r", by="shop", measure="calibration", tolerance=0.1, minimum_rows=1)
    (a, b) = fairness(world({"A": (0.5,), "B": (1.0,)}), [rule], SETTINGS)
    assert (a["value"], b["value"], a["others"]) == (-0.25, 0.0, 0.0)
    assert a["difference"]["estimate"] == pytest.approx(-0.25)


def test_a_difference_is_as_sure_as_a_mean_of_the_daily_differences_where_days_are_alike():
    """With one row a side and day, the difference of means is the mean of daily differences, and so is its error."""
    chance = np.random.default_rng(4)
    one, other = chance.random(12), chance.random(12)
    found = difference_interval(
        np.concatenate([one, other]), np.repeat([True, False], 12), np.tile(np.arange(12), 2), SETTINGS
    )
    assert found.estimate == pytest.approx((one - other).mean())
    assert found.standard_error == pytest.approx((one - other).std(ddof=1) / np.sqrt(12))


def test_a_threshold_belongs_to_the_false_negative_rate():
    """Without one it says nothing, and elsewhere it is a mistake."""
    with pytest.raises(ValidationError, match="has a threshold"):
        Fairness(name="n", reason="r", by="shop", measure="false_negative_rate", tolerance=0.1)
    with pytest.raises(ValidationError, match="has a threshold"):
        Fairness(name="n", reason="r", by="shop", measure="calibration", threshold=0.5, tolerance=0.1)
