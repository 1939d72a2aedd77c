"""The promotion decision: each check by hand, the most severe one decides, and every sentence holds its numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catena.declaration import Gate
from catena.modeling.behaviour import Behaviour
from catena.modeling.bootstrap import Interval
from catena.registry.promotion import Comparison, decide


def gain(low: float, estimate: float, high: float, rows: int = 5000) -> Interval:
    return Interval(estimate, low, high, (high - low) / 3.3, 0.9, 14, rows, 2000, 1, "by hand")


UNKNOWN = Interval(None, None, None, None, 0.9, 2, 10, 0, 1, "by hand", "10 rows do not define roc_auc")
BETTER, UNCLEAR, WORSE = gain(0.01, 0.02, 0.03), gain(-0.01, 0.01, 0.03), gain(-0.05, -0.03, -0.02)
GATE = Gate(metric="roc_auc")
FINE = Comparison(over_baseline=BETTER, over_champion=BETTER)


def check(gate: Gate, found: Comparison, name: str):
    decision = decide(gate, found)
    (one,) = [each for each in decision.checks if each.name == name]
    return decision.decision, one


@pytest.mark.parametrize(
    ("baseline", "champion", "decision", "said"),
    [
        (BETTER, BETTER, "PROMOTE", "shown to be better by more than 0.0000"),
        (BETTER, None, "PROMOTE", "+0.0200, 90% interval +0.0100 to +0.0300 (14 days, 5000 rows)"),
        (BETTER, UNCLEAR, "HOLD", "not enough to call it better by more than 0.0000"),
        (BETTER, WORSE, "REJECT", "shown not to be better by more than 0.0000"),
        (UNCLEAR, None, "HOLD", "not enough to call it better"),
        # The champion that would stay is shown to be no better.
        (UNCLEAR, BETTER, "PROMOTE", "A model serves already, so it has no veto"),
        (UNCLEAR, UNCLEAR, "HOLD", "not enough to call it better"),
        (gain(-0.02, 0.0, 0.02), BETTER, "REJECT", "over the baseline: +0.0000"),
        (WORSE, BETTER, "REJECT", "over the baseline: -0.0300"),
        (None, BETTER, "HOLD", "There is no baseline"),
        (UNKNOWN, BETTER, "HOLD", "10 rows do not define roc_auc"),
        (BETTER, UNKNOWN, "HOLD", "10 rows do not define roc_auc"),
    ],
)
def test_gains_decide_by_their_bounds(baseline, champion, decision, said):
    """PROMOTE needs the lower bound, REJECT the upper one; in between, or undefined, the evidence is not enough."""
    found = decide(GATE, Comparison(over_baseline=baseline, over_champion=champion))
    assert found.decision == decision
    assert any(said in reason for reason in found.reasons), found.reasons


@given(*[st.floats(-0.2, 0.2)] * 3, st.floats(0, 0.1), st.booleans())
def test_never_promotes_what_is_not_shown_to_be_good_enough(first, second, third, minimum, is_refresh):
    """Whatever the numbers: promoted means that the lower bound is above what the gate asks."""
    low, estimate, high = sorted((first, second, third))
    gate = Gate(metric="roc_auc", minimum_gain=minimum, refresh_margin=0.01)
    found = decide(gate, Comparison(BETTER, gain(low, estimate, high), is_refresh=is_refresh))
    needed = -0.01 if is_refresh else minimum
    assert (found.decision == "PROMOTE") == (low > needed)
    assert (found.decision == "REJECT") == (high <= needed)
    assert found.reasons


def test_a_fresher_model_of_the_same_recipe_need_only_lose_nothing():
    """The margin holds for refreshes alone, and only where it is declared."""
    close = gain(-0.008, 0.001, 0.01)
    declared = Gate(metric="roc_auc", refresh_margin=0.01)
    refreshed = Comparison(BETTER, close, is_refresh=True)
    assert decide(declared, refreshed).decision == "PROMOTE"
    assert decide(declared, replace(refreshed, is_refresh=False)).decision == "HOLD"
    assert decide(GATE, refreshed).decision == "HOLD"
    _, one = check(declared, refreshed, "not_worse_than_champion")
    assert one.numbers["needed"] == -0.01
    assert "not worse by 0.0100" in one.reason


@pytest.mark.parametrize(
    ("of_slice", "decision", "status", "said"),
    [
        (gain(-0.01, 0.01, 0.03), "PROMOTE", "passed", "a loss of 0.0500 is allowed"),
        (gain(-0.09, -0.06, -0.03), "HOLD", "failed", "-0.0600"),
        (gain(-0.10, -0.08, -0.06), "REJECT", "failed", "-0.0800"),
        (gain(-0.30, -0.20, -0.10, rows=40), "PROMOTE", "not judged", "40 rows of 14 days give a half width of 0.1000"),
        (UNKNOWN, "PROMOTE", "not judged", "10 rows do not define"),
    ],
)
def test_a_slice_has_a_veto_only_where_it_is_large_enough(of_slice, decision, status, said):
    """A slice whose interval is wider than the margin says so, with its support, and does not stand in the way."""
    gate = Gate(metric="roc_auc", slice_margin=0.05)
    verdict, one = check(gate, replace(FINE, slices={"origin": {"JFK": of_slice}}), "slice origin JFK")
    assert (verdict, one.status) == (decision, status)
    assert said in one.reason


@pytest.mark.parametrize(
    ("limit", "kept", "broken", "name", "verdict"),
    [
        ({"maximum_ece": 0.05}, {"ece": 0.05}, {"ece": 0.06}, "is_calibrated", "REJECT"),
        ({"maximum_ece": 0.05}, {"ece": 0.01}, {"ece": None}, "is_calibrated", "HOLD"),
        ({"maximum_scoring_ms": 100}, {"scoring_ms": 99}, {"scoring_ms": 101}, "scores_in_time", "REJECT"),
        ({"maximum_size_mb": 5}, {"size_mb": 5}, {"size_mb": 5.1}, "is_small_enough", "REJECT"),
        ({"maximum_quarantined_share": 0.01}, {"rows_in": 100, "rows_quarantined": 1},
         {"rows_in": 100, "rows_quarantined": 2}, "few_quarantined", "HOLD"),
        ({"maximum_failed_days": 1}, {"failed": ["a 1"]}, {"failed": ["a 1", "b 2"]}, "few_failed", "HOLD"),
        ({}, {"columns": {"x": "double"}, "champion_columns": {"x": "double", "y": "string"}},
         {"columns": {"x": "string", "z": "double"}, "champion_columns": {"x": "double"}}, "fits_consumers", "REJECT"),
    ],
)  # fmt: skip
def test_limits(limit, kept, broken, name, verdict):
    """On the limit is within it; beyond it a bad model is rejected, and bad data hold."""
    gate = Gate(metric="roc_auc", **limit)
    decision, one = check(gate, replace(FINE, **kept), name)
    assert (decision, one.status) == ("PROMOTE", "passed")
    decision, one = check(gate, replace(FINE, **broken), name)
    assert decision == verdict
    assert one.status in {"failed", "not judged"}


def test_the_most_severe_check_decides_and_is_named_first():
    """A rejection is not softened by a hold, and the record holds every check."""
    found = decide(
        Gate(metric="roc_auc", maximum_size_mb=1), Comparison(BETTER, UNCLEAR, size_mb=2, champion_columns=None)
    )
    assert found.decision == "REJECT"
    assert "2.0 MB" in found.reasons[0]
    assert "not enough" in found.reasons[1]
    assert [each["status"] for each in found.as_dict()["checks"]] == ["passed", "not judged", "failed"]


@pytest.mark.parametrize(("score", "decision"), [(6.5, "PROMOTE"), (6.0, "PROMOTE"), (5.5, "HOLD"), (None, "HOLD")])
def test_a_chain_that_is_not_ready_holds(score, decision):
    """By the declared least ML Test Score; without a declaration nobody asks."""
    strict = Gate(metric="roc_auc", minimum_score=6)
    found = Comparison(over_baseline=BETTER, over_champion=BETTER, score=score)
    assert (decide(strict, found).decision, decide(GATE, found).decision) == (decision, "PROMOTE")


def test_failed_training_holds():
    """Without a challenger what serves goes on serving."""
    failed = decide(GATE, None, failure="too few rows")
    assert (failed.decision, failed.reasons) == ("HOLD", ["There is no challenger: too few rows."])


def test_a_promotion_is_told_by_what_was_gained_and_how_the_rest_went():
    """A use case with many slices fills no page: their sentences stay in the record of checks."""
    slices = {"origin": {"A": gain(-0.01, 0.0, 0.01), "B": gain(-0.5, 0.0, 0.5), "C": UNKNOWN}}
    gate = Gate(metric="roc_auc", slice_margin=0.05, maximum_size_mb=1)
    found = decide(gate, replace(FINE, slices=slices, size_mb=0.5))
    assert found.decision == "PROMOTE"
    assert len(found.checks) == 6
    assert len(found.reasons) == 3
    assert found.reasons[2] == (
        "2 further checks, of slices, limits and behaviour, passed; 2 could not be judged and have no veto."
    )


@pytest.mark.parametrize(
    ("verdict", "is_veto", "decision", "status", "said"),
    [
        ("passed", True, "PROMOTE", "passed", "99.0% of 5000 rows obey; at least 95.0% is needed."),
        ("failed", True, "REJECT", "failed", "99.0% of 5000 rows obey; at least 95.0% is needed."),
        ("failed", False, "PROMOTE", "failed", "It has no veto."),
        ("not shown", True, "PROMOTE", "not judged", "The days are too few to be sure. It has no veto."),
    ],
)
def test_a_failed_behaviour_test_stands_in_the_way_where_it_is_declared_to(verdict, is_veto, decision, status, said):
    """Only what is seen to fail, and only with a veto; a promotion past a failed test names it."""
    share = gain(0.98, 0.99, 1.0)
    test = Behaviour(
        "calm", "invariance", "It must not matter.", "share of rows", 0.95, verdict, share, 0.99, 5000, 0.1, is_veto
    )  # fmt: skip
    found, one = check(GATE, replace(FINE, behaviour=(test,)), "behaviour calm")
    assert (found, one.status) == (decision, status)
    assert one.reason.startswith("It must not matter. In the test calm, ")
    assert one.reason.endswith(said)
    assert (one.reason in decide(GATE, replace(FINE, behaviour=(test,))).reasons) == (status == "failed")
