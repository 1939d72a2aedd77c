"""Values in words: numbers, shares, changes, days and months as a reader expects them.

Which value stands where belongs in the templates.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from typing import Any

from catena.partitions import is_day, parse_day, parse_month

DASH = "–"
# Narrow no-break space between a number and its sign, so that they stay together at any width.
_GAP = "\u202f"


def _signed(value: float, digits: int) -> str:
    text = f"{value:+,.{digits}f}".replace("-", "−")
    return f"{0:.{digits}f}" if float(f"{value:.{digits}f}") == 0 else text


def month_words(key: str) -> str:
    """Return a month as `February 2013`."""
    first = parse_month(key)
    return f"{calendar.month_name[first.month]} {first.year}"


def day_words(key: str) -> str:
    """Return a day as `5 February`."""
    day = parse_day(key)
    return f"{day.day} {calendar.month_name[day.month]}"


def period_words(key: str) -> str:
    """Return a month as `February 2013`, a day as `5 February 2013`, and a range as from one of these to another."""
    first, _, last = key.partition("..")
    if not is_day(first):
        return month_words(key)
    return " to ".join(f"{day_words(day)} {day[:4]}" for day in dict.fromkeys((first, last or first)))


def _duration(seconds: float) -> str:
    """Return seconds in the unit in which they are easily read."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min")):
        if abs(seconds) < limit:
            return f"{seconds / size:.{2 if abs(seconds) < 1 else 1}f}{_GAP}{unit}"
    return f"{seconds / 3600:,.1f}{_GAP}h"


def _plain(value: float) -> str:
    """Return a number of any size with four digits that say something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


_KINDS: dict[str, Callable[[Any], str]] = {
    "count": lambda value: f"{value:,.0f}",
    "share": lambda value: f"{100 * value:.1f}{_GAP}%",
    "whole_share": lambda value: f"{100 * value:.0f}{_GAP}%",
    "points": lambda value: f"{_signed(100 * value, 1)} points",
    "change": lambda value: f"{_signed(100 * value, 1)}{_GAP}%",
    "score": lambda value: f"{value:.3f}",
    "score_change": lambda value: _signed(value, 3),
    "signed_score": lambda value: _signed(value, 4),
    "amount": lambda value: f"{value:,.1f}",
    "amount_change": lambda value: _signed(value, 1),
    "pairs": lambda value: f"{value:.0f}",
    "value": _plain,
    "index": lambda value: f"{value:.2f}",
    "duration": _duration,
    "day": day_words,
    "month": month_words,
    "period": period_words,
    "text": str,
}


def worded(value: Any, kind: str) -> str:
    """Return a value as text; a dash where it is missing.

    Args:
        kind: how it is to be read: `count`, `share`, `points` (a change of a share), `change` (a relative one),
            `score`, `score_change`, `signed_score` (four digits), `amount`, `amount_change`, `pairs`, `index`, `value`
            (of any size), `duration` (seconds), `day`, `month`, `period` or `text`.
    """
    if value is None:
        return DASH
    text = _KINDS[kind](value)
    return text.replace("-", "−") if text.startswith("-") else text


def value_kinds(kind: str) -> tuple[str, str]:
    """Return how a label's mean and its change are worded for a kind of model."""
    return ("share", "points") if kind == "binary" else ("amount", "amount_change")


def unit_words(unit: str) -> str:
    """Return a unit as it follows a number, with a space; nothing for a share."""
    return "" if unit in ("", "probability") else f"{_GAP}{unit}"
