"""The statistics of an exploration, by values worked out by hand or by a second way."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from catena.declaration import Exploration
from catena.insights.alarms import checks
from catena.insights.associations import rank_correlations, strongest_pairs
from catena.insights.power import remainders, single_power, twins
from catena.insights.rates import rates_by_day, rates_by_value
from catena.insights.shifts import shifts

TOLD = {"minimum_rows": "20", "pairs": "5", "confidence": "0.95", "resamples": "200", "seed": "1", "kind": "binary"}
DECLARED = Exploration()


def day_row(day: str, labelled: int, total: float, deviation: float = 0.0) -> dict[str, Any]:
    return {"day": day, "entities": labelled, "labelled": labelled, "label_sum": total, "label_deviation": deviation}


def test_a_days_share_has_wilsons_interval() -> None:
    """10 of 100: Wilson's formula with z = 1.96 gives 0.0552 to 0.1744; a day without labels has none."""
    rows = pa.Table.from_pylist([day_row("2013-01-01", 100, 10.0), day_row("2013-01-02", 0, 0.0)])
    found = rates_by_day(rows, TOLD)
    assert found[0]["label_mean"] == 0.1
    assert (found[0]["low"], found[0]["high"]) == (pytest.approx(0.05523, abs=1e-5), pytest.approx(0.17437, abs=1e-5))
    assert (found[1]["label_mean"], found[1]["low"], found[1]["high"]) == (None, None, None)


def test_a_days_mean_has_students_interval() -> None:
    """Four values with mean 5 and deviation 2: 5 plus or minus 3.1824 * 2 / 2."""
    found = rates_by_day(pa.Table.from_pylist([day_row("2013-01-01", 4, 20.0, 2.0)]), TOLD | {"kind": "regression"})
    assert (found[0]["low"], found[0]["high"]) == (pytest.approx(1.81755, abs=1e-4), pytest.approx(8.18245, abs=1e-4))


def test_a_slices_interval_knows_that_days_differ() -> None:
    """At one rate over all, days that differ give a wide interval, equal days none; two days do not give one at all."""
    days = [f"2013-01-{n:02d}" for n in range(1, 11)]
    even = [(day, k % 4 == 0) for day in days for k in range(20)]
    bursts = [(day, n in {3, 7} or (n == 5 and k < 10)) for n, day in enumerate(days) for k in range(20)]
    rare = [(day, True) for day in days[:2]]
    rows = pa.Table.from_pylist([
        {"value": value, "day": day, "label_value": float(label)}
        for value, labels in (("even", even), ("bursts", bursts), ("rare", rare)) for day, label in labels
    ])  # fmt: skip
    found = {row["value"]: row for row in rates_by_value(rows, TOLD)}
    assert found["bursts"]["low"] >= 0
    assert found["even"]["label_mean"] == found["bursts"]["label_mean"] == 0.25
    assert found["even"]["high"] - found["even"]["low"] == pytest.approx(0.0)
    assert found["bursts"]["high"] - found["bursts"]["low"] > 0.3
    assert (found["rare"]["low"], found["rare"]["rows"]) == (None, 2)


def test_pairs_are_those_of_scipy() -> None:
    """Ranks that fall as others rise give -1; V is 1 for two names of one thing and 0.5 for this table by hand."""
    n = 40
    # 15 + 15 on the diagonal of 40 in two equal classes each: chi2 = 40 * 0.5**2, so V = 0.5.
    left = ["a"] * 20 + ["b"] * 20
    right = ["x"] * 15 + ["y"] * 5 + ["x"] * 5 + ["y"] * 15
    rows = pa.table({
        "up": [float(k) for k in range(n)], "down": [float(-(k**3)) for k in range(n)], "flat": [1.0] * n,
        "left": left, "right": right, "left_again": [f"is {one}" for one in left],
    })  # fmt: skip
    found = {(row["kind"], row["one"], row["other"]): row["value"] for row in strongest_pairs(rows, TOLD)}
    assert found["spearman", "up", "down"] == pytest.approx(-1)
    assert not any("flat" in key for key in found)
    assert found["cramers_v", "left", "left_again"] == pytest.approx(1)
    assert found["cramers_v", "left", "right"] == pytest.approx(0.5)


def test_many_ranks_at_once_agree_with_one_pair_at_a_time() -> None:
    """Without missing values the matrix is Spearman's; with some it stays within 0.02 of it."""
    chance = np.random.default_rng(3)
    values = chance.normal(size=(500, 4))
    values[:, 1] += values[:, 0]
    values[:, 3] = np.round(values[:, 2] - values[:, 0])
    assert rank_correlations(values) == pytest.approx(stats.spearmanr(values).statistic, abs=1e-12)
    values[chance.random((500, 4)) < 0.1] = np.nan
    matrix = rank_correlations(values)
    for one, other in product(range(4), range(4)):
        assert matrix[one, other] == pytest.approx(
            stats.spearmanr(values[:, one], values[:, other], nan_policy="omit").statistic, abs=0.02
        )


def labelled(**columns: Any) -> pa.Table:
    """Return 400 rows on 8 days, half of them with the label, in alternation."""
    label = [float(k % 2) for k in range(400)]
    return pa.table({"day": [f"2013-01-{1 + k // 50:02d}" for k in range(400)], "label_value": label, **columns})


def power_of(rows: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in single_power(rows, TOLD)}


def test_the_label_itself_rings_and_noise_does_not() -> None:
    """A copy of the label ranks it perfectly, in numbers, text, missing values and whatever shape; noise does not."""
    chance = np.random.default_rng(5)
    label = np.arange(400) % 2
    found = power_of(labelled(
        noise=chance.normal(size=400), copy=label * 3.0, text=["late" if one else "on time" for one in label],
        gaps=[None if one else float(k) for k, one in enumerate(label)],
        bent=[float(chance.choice([-1, 1]) * (2 if one else 0.5)) for one in label],
        names=[f"n{k}" for k in range(400)],
    ))  # fmt: skip
    assert all(found[name]["alone"] == 1 for name in ("copy", "text", "bent"))
    assert found["gaps"]["alone"] > 0.99
    assert abs(found["noise"]["alone"] - 0.5) < 0.12
    # A name that occurs once says nothing about other days.
    assert found["names"]["alone"] == pytest.approx(0.5, abs=0.01)


def test_what_differs_by_the_outcome_is_seen_beyond_the_other() -> None:
    """Scheduled and actual arrival say little alone; their difference is the delay."""
    chance = np.random.default_rng(7)
    due = chance.uniform(300, 1300, 400)
    came = due + np.where(np.arange(400) % 2, 20 + chance.exponential(20, 400), chance.uniform(-20, 10, 400))
    found = power_of(labelled(due=due, came=came, other=chance.normal(size=400)))
    assert found["came"]["alone"] < 0.7
    assert found["came"]["beyond"] > 0.95
    assert found["other"]["beyond"] < 0.65


def test_midnight_hides_nothing() -> None:
    """A clock that begins anew puts some rows a day away; the fit of the others still finds the delay."""
    chance = np.random.default_rng(8)
    due = chance.uniform(900, 1439, 400)
    came = due + np.where(np.arange(400) % 2, 20 + chance.exponential(20, 400), chance.uniform(-20, 10, 400))
    assert 5 < (came >= 1440).sum() < 40
    found = power_of(labelled(due=due, came=came % 1440, other=chance.normal(size=400)))
    assert found["came"]["beyond"] > 0.9


def test_remainders_are_those_of_least_squares() -> None:
    """Without rows that lie far off, what is left of a column is the residual of its regression on the others."""
    chance = np.random.default_rng(9)
    x = chance.normal(size=(300, 3))
    x[:, 2] += 0.8 * x[:, 0] - 0.3 * x[:, 1]
    left = remainders({name: x[:, n] for n, name in enumerate("abc")})
    others = np.column_stack([x[:, :2], np.ones(300)])
    residual = x[:, 2] - others @ np.linalg.lstsq(others, x[:, 2], rcond=None)[0]
    assert np.corrcoef(residual, left["c"])[0, 1] == pytest.approx(1, abs=1e-3)


def test_a_copy_of_a_later_column_is_a_twin_and_shared_zeros_are_not() -> None:
    """Kappa by hand: equal in 90 of 100 with 0.82 expected by chance is 0.444; a copy has 1."""
    later = [1.0] * 10 + [0.0] * 90
    feature = [0.0] * 5 + [1.0] * 5 + [1.0] * 5 + [0.0] * 85
    rows = pa.table({
        "feature__some": feature, "feature__copy": [k + 0.5 for k in range(100)],
        "later__outcomes__is_late": later, "later__outcomes__air_time": [k + 0.5 for k in range(99)] + [None],
        "later__outcomes__text": ["x"] * 100,
    })  # fmt: skip
    found = {row["column"]: row for row in twins(rows, TOLD)}
    assert (found["air_time"]["name"], found["air_time"]["agreement"], found["air_time"]["rows"]) == ("copy", 1.0, 99)
    assert found["is_late"]["name"] == "some"
    assert found["is_late"]["agreement"] == pytest.approx((0.9 - 0.82) / 0.18)
    assert (found["text"]["name"], found["text"]["agreement"]) == (None, None)


def test_drift_is_found_where_it_is() -> None:
    """A column that jumps between the halves is first; without a period before there is nothing to compare with."""
    n = 400
    part = ["first"] * (n // 2) + ["second"] * (n // 2)
    rows = pa.table({
        "part": part, "steady": [float(k % 50) for k in range(n)],
        "jumps": [float(k % 50 + 100 * (k >= n // 2)) for k in range(n)], "kind": ["ab"[k % 2] for k in range(n)],
    })  # fmt: skip
    found = {row["name"]: row for row in shifts(rows, {})}
    assert next(iter(found)) == "jumps"
    assert found["jumps"]["halves_effect"] == 1.0
    assert found["steady"]["halves_psi"] == found["kind"]["halves_psi"] == pytest.approx(0)
    assert found["jumps"]["before_psi"] is None


def split(**counts: int) -> dict[str, list[dict[str, Any]]]:
    return {"split": [{"train_rows": 9, "holdout_rows": 9, "shared_entities": 0, "before_train_ends": 0,
                       "late_labels": 0, **counts}]}  # fmt: skip


def verdicts(answers: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    return {check.how: check.verdict for check in checks(answers, DECLARED)}


def test_what_was_not_asked_is_not_called_clear() -> None:
    """A check without an answer says that it was not made, and why."""
    found = checks({}, DECLARED)
    assert {check.verdict for check in found} == {"NOT_CHECKED"}
    assert all(check.reason for check in found)


def test_each_limit_rings_beyond_it_only() -> None:
    """Declared limits are allowed themselves; an alarm names the feature and where its number stands."""
    rows = [
        {"name": "a", "rows": 900, "alone": 0.9, "beyond": 0.6},
        {"name": "b", "rows": 900, "alone": 0.85, "beyond": None},
    ]
    twin = [{"table": "o", "column": "air_time", "name": "a", "agreement": 0.95, "rows": 900},
            {"table": "o", "column": "delay", "name": "b", "agreement": 0.9, "rows": 900}]  # fmt: skip
    rebuilt = [{"name": "a", "differing": 3, "rows": 9}, {"name": "b", "differing": 0, "rows": 9}]
    alarms = [alarm for check in checks({"power": rows, "twins": twin, "rebuilt": rebuilt}, DECLARED)
              for alarm in check.alarms]  # fmt: skip
    assert [(alarm.rule, alarm.subject, alarm.column, alarm.row) for alarm in alarms] == [
        ("knows_the_future", "a", "differing", 0),
        ("knows_the_future", "a", "agreement", 0),
        ("too_good", "a", "alone", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["shared_entities", "before_train_ends", "late_labels"])
def test_a_split_that_overlaps_rings(column: str) -> None:
    """Shared entities, a holdout inside the training's time, and labels from after its begin each ring alone."""
    assert verdicts(split())["the training set's split"] == "CLEAR"
    assert verdicts(split(**{column: 1}))["the training set's split"] == "ALARM"


def test_numbers_are_finite() -> None:
    """Columns without a value, or with one value only, give None and no NaN."""
    found = power_of(labelled(nothing=pa.nulls(400, pa.float64()), one=[1.0] * 400))
    assert (found["nothing"]["alone"], found["nothing"]["beyond"]) == (None, None)
    assert found["one"]["beyond"] is None
    assert math.isfinite(found["one"]["alone"])
