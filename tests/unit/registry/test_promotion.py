"""The promotion decision: never for the worse, and every check says its numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catena.declaration import Gate
from catena.registry.promotion import decide

METRICS = ("roc_auc", "pr_auc", "brier", "log_loss", "mae", "rmse")
HIGHER = {"roc_auc", "pr_auc"}
value = st.none() | st.floats(0, 1)


@given(st.sampled_from(METRICS), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), value, value | st.just("absent"), value)
def test_never_promotes_what_is_not_better(metric, minimum, over_baseline, challenger, champion, baseline):
    """Whatever the gate says, a promoted challenger is strictly better than the champion and than the baseline."""
    found = decide(
        Gate(metric=metric, minimum_gain=minimum, minimum_gain_over_baseline=over_baseline),
        challenger={metric: challenger}, champion=None if champion == "absent" else {metric: champion},
        baseline={metric: baseline},
    )  # fmt: skip
    if found.decision == "PROMOTE":
        for other in (baseline, *([] if champion == "absent" else [champion])):
            assert challenger > other if metric in HIGHER else challenger < other
    assert found.reasons


@pytest.mark.parametrize(
    ("challenger", "champion", "baseline", "decision", "said"),
    [
        (0.75, 0.70, 0.60, "PROMOTE", "0.7500 against 0.6000 of the baseline"),
        (0.70, 0.70, 0.60, "HOLD", "0.7000 against 0.7000 of the champion"),
        (0.605, None, 0.60, "HOLD", "at least 0.0100 are needed"),
        (0.62, None, 0.60, "PROMOTE", "gain +0.0200"),
        (None, 0.7, 0.6, "HOLD", "does not define roc_auc"),
    ],
)
def test_decisions_by_hand(challenger, champion, baseline, decision, said):
    """A tie holds, the baseline's margin counts, and the sentence holds the numbers."""
    found = decide(
        Gate(metric="roc_auc", minimum_gain_over_baseline=0.01), challenger={"roc_auc": challenger},
        champion=None if champion is None else {"roc_auc": champion}, baseline={"roc_auc": baseline},
    )  # fmt: skip
    assert found.decision == decision
    assert any(said in reason for reason in found.reasons)


def test_failed_training_and_bad_calibration_hold():
    """Without a challenger, or with probabilities that are off, what serves goes on serving."""
    gate = Gate(metric="roc_auc", maximum_ece=0.05)
    failed = decide(gate, challenger=None, champion=None, baseline=None, failure="too few rows")
    assert (failed.decision, failed.reasons) == ("HOLD", ["There is no challenger: too few rows."])
    off = decide(gate, challenger={"roc_auc": 0.9, "ece": 0.2}, champion=None, baseline={"roc_auc": 0.6})
    assert [check.name for check in off.checks if not check.is_passed] == ["is_calibrated"]
