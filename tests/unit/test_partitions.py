from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catena.partitions import (
    InvalidPartition,
    day_key,
    days,
    days_of,
    days_of_month,
    days_of_period,
    month_of,
    months,
    parse_day,
    parse_month,
    period_key,
    shift_day,
    shift_month,
    start_of,
)

DATES = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@given(DATES)
def test_a_day_key_is_its_date(day: date):
    """Key and date are the same thing, also in the form in which Airflow's cron partitions write it."""
    key = day_key(day)
    assert key == day.isoformat()
    assert parse_day(key) == parse_day(f"{key}T00:00:00") == parse_day(f"{key}T00:00:00+00:00") == day


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2013-1-5",
        "2013-02-31",
        "2013-01",
        "2013-01-05T01:00:00",
        "2013-01-05 00:00:00",
        "x2013-01-05",
        "٢٠١٣-01-05",
    ],
)
def test_what_is_no_day_is_refused_by_name(key):
    """A key that is not exactly a day of the calendar never becomes a partition."""
    with pytest.raises(InvalidPartition, match=r"is not a day"):
        parse_day(key)


@pytest.mark.parametrize("key", ["2013", "2013-13", "2013-00", "2013-01-05", "13-01"])
def test_what_is_no_month_is_refused_by_name(key):
    """A key that is not exactly a month of the calendar never becomes a partition."""
    with pytest.raises(InvalidPartition, match=r"is not a (day|month)"):
        parse_month(key)


@given(DATES, st.integers(0, 800))
def test_days_run_without_gap(first: date, count: int):
    """A range holds each day once, in time order, which is also the order of text."""
    keys = days(day_key(first), day_key(first + timedelta(days=count)))
    assert len(keys) == count + 1
    assert keys == sorted(set(keys))
    assert shift_day(keys[0], count) == keys[-1]
    assert shift_day(keys[-1], -count) == keys[0]
    assert days(keys[-1], keys[0]) == ([] if count else keys)


@given(DATES)
def test_a_month_is_its_days(day: date):
    """Each day lies in the month that says so, and a month has as many days as the calendar gives it."""
    month = month_of(day_key(day))
    keys = days_of_month(month)
    assert day_key(day) in keys
    assert len(keys) == calendar.monthrange(day.year, day.month)[1]
    assert {month_of(key) for key in keys} == {month}


@given(DATES, st.integers(-300, 300))
def test_months_shift_and_come_back(day: date, by: int):
    """Shifting by months is arithmetic on year and month."""
    month = month_of(day_key(day))
    shifted = shift_month(month, by)
    assert shift_month(shifted, -by) == month
    assert (parse_month(shifted).year - day.year) * 12 + parse_month(shifted).month - day.month == by
    assert len(list(months(min(month, shifted), max(month, shifted)))) == abs(by) + 1


def test_a_key_begins_at_midnight_utc():
    """Logical time is UTC, whatever the machine's zone."""
    assert start_of("2013-02") == start_of("2013-02-01") == datetime(2013, 2, 1, tzinfo=UTC)


def test_a_month_stands_for_its_days_and_a_day_for_itself():
    """February 2013 has 28 days."""
    assert (len(days_of("2013-02")), days_of("2013-02-03")) == (28, ["2013-02-03"])


def test_a_period_is_a_month_or_a_range() -> None:
    """The days of a whole month are that month's key; a key gives its days again; a turned range is refused."""
    assert period_key("2012-02-01", "2012-02-29") == "2012-02"
    assert period_key("2013-01-31", "2013-02-01") == "2013-01-31..2013-02-01"
    assert days_of_period("2013-01-31..2013-02-01") == ["2013-01-31", "2013-02-01"]
    assert len(days_of_period("2012-02")) == 29
    with pytest.raises(InvalidPartition, match="before it begins"):
        days_of_period("2013-02-02..2013-02-01")
