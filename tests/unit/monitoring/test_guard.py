"""When a version has failed its guard."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from catena.declaration import Guard, Monitoring
from catena.monitoring import Judged, breaches

GUARD = Guard(measure="roc_auc", window_days=7, minimum=0.6, minimum_rows=100, confirmation_days=3, reason="r")


def judged(*values, version="m/1", rows=500):
    return [
        Judged(f"2024-02-{n:02d}", version, value, rows, f"2024-02-{n + 1:02d}") for n, value in enumerate(values, 1)
    ]


def test_three_days_in_a_row_confirm_and_a_good_day_begins_anew():
    """Two bad days, a good one, three bad ones: confirmed on the third; known when the last label was."""
    (breach,) = breaches(judged(0.5, 0.5, 0.7, 0.5, 0.55, 0.59), GUARD)
    assert [item.day for item in breach.days] == ["2024-02-04", "2024-02-05", "2024-02-06"]
    assert (breach.version, breach.known_on) == ("m/1", "2024-02-07")


def test_a_day_with_few_labels_says_nothing():
    """It neither confirms nor clears; the same holds for a measure that is not defined."""
    days = judged(0.5, 0.5, 0.9, 0.5)
    days[2] = Judged("2024-02-03", "m/1", 0.9, 99, "2024-02-04")
    assert [item.day for item in next(breaches(days, GUARD)).days] == ["2024-02-01", "2024-02-02", "2024-02-04"]
    assert list(breaches(judged(0.5, None, 0.5), GUARD)) == []


def test_another_version_begins_anew():
    """What one version did is not held against the next."""
    assert list(breaches([*judged(0.5, 0.5), *judged(0.5, 0.5, version="m/2")], GUARD)) == []


def test_the_limit_itself_is_within_and_a_guard_without_limit_is_refused():
    """Equal to the minimum is no breach; what can never be breached, or looks beyond the window, is a mistake."""
    assert list(breaches(judged(0.6, 0.6, 0.6), GUARD)) == []
    with pytest.raises(ValidationError, match="neither minimum nor maximum"):
        Guard(measure="mae", window_days=1, minimum_rows=1, reason="r")
    with pytest.raises(ValidationError, match="estimated are roc_auc"):
        Guard(measure="pr_auc", window_days=1, minimum=0.1, minimum_rows=1, reason="r", on="estimate")
    with pytest.raises(ValidationError, match="7 days back"):
        Monitoring(trailing_days=5, guard=GUARD)
