"""Numbers, units and periods as the page of an exploration says them."""

from __future__ import annotations

import pytest

from catena.reports.small_charts import bars
from catena.reports.units import unit_of
from catena.reports.words import period_words, worded


@pytest.mark.parametrize(
    ("column", "unit"),
    [("wind_speed_mph", "mph"), ("temperature_max_1d_c", "°C"), ("wind_1d_m_per_s", "m/s"), ("late_share", ""),
     ("carrier", ""), ("min", "")],
)  # fmt: skip
def test_a_unit_is_the_last_part_of_a_name(column: str, unit: str) -> None:
    """What the name says, and nothing for a plain name."""
    assert unit_of(column) == unit


def test_numbers_of_any_size_are_read() -> None:
    """Small ones keep the digits that say something, large ones lose the others."""
    assert [worded(value, "value") for value in (0.0123456, 3.0, 1013.25, 123456.0, -2.5)] == [
        "0.01235", "3", "1,013", "123,456", "−2.5",
    ]  # fmt: skip


def test_a_period_is_said_in_words() -> None:
    """A month by its name, a range by both ends, a single day once."""
    assert period_words("2013-02") == "February 2013"
    assert period_words("2013-02-05..2013-03-01") == "5 February 2013 to 1 March 2013"
    assert period_words("2013-02-05..2013-02-05") == "5 February 2013"


def test_each_count_that_is_there_has_a_bar() -> None:
    """The highest fills the picture, one row beside a million is still seen, and nothing is drawn for none."""
    drawn = str(bars([1_000_000, 1, 0], is_ranked=False, alt="<x>"))
    assert drawn.count("<rect") == 2
    assert 'height="30.0"' in drawn
    assert 'height="1.0"' in drawn
    assert "&lt;x&gt;" in drawn
