"""Partition keys: days (`2013-01-05`) and months (`2013-01`), as strings that sort in time order.

What a partition of a particular table contains does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MONTH = re.compile(r"\d{4}-\d{2}")


class InvalidPartition(ValueError):
    """A partition key that is neither a day nor a month."""


def parse_day(key: str) -> date:
    """Return the date of a day key.

    Airflow's cron partitions carry a time (`2013-01-05T00:00:00`); the part after the day must be midnight.

    Raises:
        InvalidPartition: the key is not a day of the calendar.
    """
    day, _, clock = key.partition("T")
    if not DAY.fullmatch(day) or (clock and not re.match(r"00:00(:00(\.0+)?)?(Z|\+00:00)?$", clock)):
        raise InvalidPartition(f"partition {key!r} is not a day like 2013-01-05")
    try:
        return date.fromisoformat(day)
    except ValueError as error:
        raise InvalidPartition(f"partition {key!r} is not a day of the calendar: {error}") from error


def parse_month(key: str) -> date:
    """Return the first day of a month key.

    Raises:
        InvalidPartition: the key is not a month of the calendar.
    """
    if not MONTH.fullmatch(key):
        raise InvalidPartition(f"partition {key!r} is not a month like 2013-01")
    return parse_day(f"{key}-01")


def day_key(day: date) -> str:
    """Return the key of a date."""
    return f"{day:%Y-%m-%d}"


def days(first: str, last: str) -> list[str]:
    """Return the day keys from `first` to `last`, both included, in order."""
    start, end = parse_day(first), parse_day(last)
    return [day_key(start + timedelta(days=n)) for n in range((end - start).days + 1)]


def shift_day(key: str, by: int) -> str:
    """Return the day `by` days after `key` (before, if negative)."""
    return day_key(parse_day(key) + timedelta(days=by))


def month_of(day: str) -> str:
    """Return the month that holds a day."""
    return f"{parse_day(day):%Y-%m}"


def shift_month(key: str, by: int) -> str:
    """Return the month `by` months after `key` (before, if negative)."""
    first = parse_month(key)
    index = first.year * 12 + first.month - 1 + by
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def days_of_month(key: str) -> list[str]:
    """Return the day keys of a month, in order."""
    first = parse_month(key)
    return days(day_key(first), day_key(parse_month(shift_month(key, 1)) - timedelta(days=1)))


def days_of(key: str) -> list[str]:
    """Return the days of a day or month key, in order."""
    return days_of_month(key) if MONTH.fullmatch(key) else [day_key(parse_day(key))]


def last_day_of(key: str) -> str:
    """Return the last day of a day or month key."""
    return days_of(key)[-1]


def is_day(key: str) -> bool:
    """Return whether a key is a day's, not a month's."""
    return not MONTH.fullmatch(key)


def period_key(first: str, last: str) -> str:
    """Return the key of a range of days: the month's where it is one, otherwise `2013-02-05..2013-02-20`."""
    days(first, last)
    month = month_of(first)
    return month if days_of_month(month)[0] == first and days_of_month(month)[-1] == last else f"{first}..{last}"


def days_of_period(key: str) -> list[str]:
    """Return the days of a month, of a day, or of a range of days, in order.

    Raises:
        InvalidPartition: the key is none of them, or the range ends before it begins.
    """
    first, _, last = key.partition("..")
    if not last:
        return days_of(first)
    found = days(first, last)
    if not found:
        raise InvalidPartition(f"the period {key!r} ends before it begins")
    return found


def months(first: str, last: str) -> Iterator[str]:
    """Yield the month keys from `first` to `last`, both included, in order."""
    while first <= last:
        yield first
        first = shift_month(first, 1)


def start_of(key: str) -> datetime:
    """Return the UTC instant at which a day or month begins."""
    first = parse_month(key) if MONTH.fullmatch(key) else parse_day(key)
    return datetime(first.year, first.month, first.day, tzinfo=UTC)
