"""When alerts are alarms, and when alarms ask for a training."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catena.declaration import Retraining
from catena.monitoring import Standing, alarms, needs_labels, triggers
from catena.partitions import shift_day

DECLARED = Retraining(on=("gap", "psi:carrier"), confirmation_days=3, cooldown_days=10, reason="r")


def standings(marks, lag=0, first="2024-02-01"):
    """Return one measured day for each mark, `x` for an alert; known `lag` days later."""
    return [
        Standing(shift_day(first, n), mark == "x", shift_day(first, n + lag), 1.0 if mark == "x" else None)
        for n, mark in enumerate(marks)
    ]


def test_an_alarm_is_raised_confirmed_and_cleared():
    """Two days are raised and cleared; three are confirmed on the third, once, and cleared on the first day without."""
    found = [(alarm.day[-2:], alarm.decision, alarm.days) for alarm in alarms("gap", standings("xx.xxxx."), 3)]
    assert found == [
        ("01", "RAISED", 1), ("03", "CLEARED", 2), ("04", "RAISED", 1), ("06", "CONFIRMED", 3), ("08", "CLEARED", 4),
    ]  # fmt: skip
    assert [alarm.decision for alarm in alarms("gap", standings("x."), 1)] == ["CONFIRMED", "CLEARED"]


def test_a_confirmed_alarm_asks_once_within_the_cool_down():
    """Twenty alerts in a row: the third day asks, then the tenth day after that, and never between."""
    found = [trigger.day for trigger in triggers({"gap": standings("x" * 20)}, DECLARED)]
    assert found == ["2024-02-03", "2024-02-13"]


def test_other_trainings_count_for_the_cool_down():
    """A training that was cut two days before the alarm was confirmed is not followed by another at once."""
    found = [trigger.day for trigger in triggers({"gap": standings("x" * 20)}, DECLARED, ["2024-02-01"])]
    assert found == ["2024-02-11"]


def test_what_is_known_later_asks_later():
    """An alarm on labels that come two days late asks for a training that is cut two days later."""
    assert [t.day for t in triggers({"gap": standings("xxx", lag=2)}, DECLARED)] == ["2024-02-05"]


def test_only_declared_subjects_ask():
    """Another measure, or another column of a declared one, asks for nothing; two subjects on one day ask together."""
    assert list(triggers({"brier": standings("xxx"), "psi:origin": standings("xxx")}, DECLARED)) == []
    (trigger,) = triggers({"gap": standings("xxx"), "psi:carrier": standings("xxx")}, DECLARED)
    assert [alarm.subject for alarm in trigger.alarms] == ["gap", "psi:carrier"]


@given(st.text("x.", max_size=30), st.text("x.", max_size=8))
def test_what_comes_later_changes_nothing_before(marks, later):
    """Alarms and trainings of the first days are the same whatever the days after them bring."""
    early, all_days = standings(marks), standings(marks + later)
    last = early[-1].day if early else "2024-01-31"
    asked = [trigger for trigger in triggers({"gap": all_days}, DECLARED) if trigger.day <= last]
    assert asked == list(triggers({"gap": early}, DECLARED))
    assert [alarm for alarm in alarms("gap", all_days, 3) if alarm.day <= last] == list(alarms("gap", early, 3))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [("psi:carrier", False), ("estimated_roc_auc", False), ("roc_auc_gap", True), ("calibration_gap", True)],
)
def test_what_rests_on_labels(subject, expected):
    """Drift and estimates are known on the day; what compares with outcomes waits for them."""
    assert needs_labels(subject) is expected
