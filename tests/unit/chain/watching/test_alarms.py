"""Alarms through the chain: from measured days to a training off schedule, causal and once."""

from __future__ import annotations

import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.alarms import raise_alarms
from catena.chain.watching.monitor import monitor_partition
from catena.declaration import Limit, Monitoring, Retraining
from catena.partitions import days_of_month

pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")
# On a usual day of 20 rows the gap has a spread of 0.1; where each customer buys it is one half.
WATCHED = Monitoring(
    trailing_days=1, minimum_rows=10,
    limits=(Limit(measure="calibration_gap", minimum=-0.3, maximum=0.3, reason="Far from what happened."),),
    retraining=Retraining(on=("calibration_gap",), confirmation_days=3, cooldown_days=10, reason="The world changed:"),
)  # fmt: skip


@pytest.fixture
def alarming(usecase):
    return usecase.model_copy(update={"monitoring": WATCHED})


@pytest.fixture
def decided(local, alarming, land, run_of, begin):
    """January is trained and serves from February on."""

    def live():
        land(JANUARY)
        train_candidate(local, alarming, "2024-01", run_of("train"))
        promote_candidate(local, alarming, "2024-01", run_of("promote"))

    return begin("decided", live)


def entered(workspace):
    """Return the alarms of the ledger by day and subject, with when each takes effect."""
    return [
        (entry.partition[-2:], entry.subject, entry.decision, entry.effective_at.date().isoformat()[-2:])
        for entry in sorted(workspace.ledger.entries("toys", kind="alarm"), key=lambda entry: entry.id)
    ]


EXPECTED = [
    ("10", "calibration_gap", "RAISED", "11"), ("12", "calibration_gap", "CONFIRMED", "13"),
    ("12", "retraining", "ASKED", "13"),
]  # fmt: skip


def measure(workspace, usecase, run_of, key):
    score_partition(workspace, usecase, key, run_of("score"))
    monitor_partition(workspace, usecase, key, run_of("monitor"))
    return raise_alarms(workspace, usecase, run_of("monitor"))


def test_three_bad_days_ask_for_a_training_at_the_end_of_the_third(decided, alarming, land, run_of):
    """Day by day: raised on the 10th, confirmed and asked for on the 12th, and once; a repeat says nothing new."""
    asked = {}
    for day in FEBRUARY[:13]:
        land([day], bought=1 if day >= "2024-02-10" else None)
        outcome = measure(decided, alarming, run_of, day)
        if outcome.partitions:
            asked[day] = outcome.partitions
    assert asked == {"2024-02-12": ("2024-02-12",)}
    assert entered(decided) == EXPECTED
    monitor_partition(decided, alarming, "2024-02", run_of("monitor"))
    assert raise_alarms(decided, alarming, run_of("monitor")).partitions == ()
    # A retry tells again what the try before it entered.
    assert raise_alarms(decided, alarming, run_of("monitor", 2)).partitions == ("2024-02-12",)
    assert entered(decided) == EXPECTED


def test_a_backfill_asks_for_the_same_training_whatever_comes_later(decided, alarming, land, run_of):
    """The whole month at once, with other days after the alarm: what was known by the 12th decides alike.

    The training is made at the end of that day, its model serves from the next one on, and only then are later days
    looked at: trained on them, the model no longer is far from what happens, so nothing more is asked for.
    """
    land(FEBRUARY[:9])
    land(FEBRUARY[9:], bought=1)
    outcome = measure(decided, alarming, run_of, "2024-02")
    assert outcome.partitions == ("2024-02-12",)
    assert [alarm["subject"] for alarm in outcome.details["confirmed"]] == ["calibration_gap"]
    assert entered(decided) == EXPECTED
    # While it is not decided on, nothing more is asked for, although the alarm stands beyond the cool-down.
    assert raise_alarms(decided, alarming, run_of("monitor")).partitions == ()
    train_candidate(decided, alarming, "2024-02-12", run_of("train"))
    promote_candidate(decided, alarming, "2024-02-12", run_of("promote"))
    measure(decided, alarming, run_of, "2024-02")
    asked = [entry.partition for entry in decided.ledger.entries("toys", kind="alarm", subject="retraining")]
    assert asked[0] == "2024-02-12"
    assert all(day >= "2024-02-22" for day in asked[1:])


def test_an_alarm_that_is_no_more_once_its_day_is_measured_again_is_cleared(decided, alarming, land, run_of):
    """A corrected day withdraws its alarm in the ledger, which keeps both entries."""
    land(FEBRUARY[:9])
    land(["2024-02-10"], bought=1)
    measure(decided, alarming, run_of, "2024-02")
    land(["2024-02-10"])
    measure(decided, alarming, run_of, "2024-02-10")
    assert [item[:3] for item in entered(decided)] == [
        ("10", "calibration_gap", "RAISED"), ("10", "calibration_gap", "CLEARED"),
    ]  # fmt: skip


def test_without_declared_alarms_nothing_is_entered(decided, alarming, run_of):
    """A use case that declares none has none."""
    quiet = alarming.model_copy(update={"monitoring": Monitoring()})
    assert raise_alarms(decided, quiet, run_of("monitor")).status == "skipped"
