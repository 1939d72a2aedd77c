"""The unit of a column, which its name carries as its last part (`_min`, `_mph`, `_usd`)."""

from __future__ import annotations

_UNITS = {
    "c": "°C", "cm": "cm", "count": "", "days": "days", "deg": "°", "eur": "€", "f": "°F", "ft": "ft", "h": "h",
    "hours": "h", "hpa": "hPa", "in": "in", "index": "", "kg": "kg", "km": "km", "m": "m", "mbar": "mbar",
    "mi": "mi", "miles": "miles", "min": "min", "mm": "mm", "mph": "mph", "ms": "ms", "number": "", "pct": "%",
    "s": "s", "share": "", "usd": "$", "weekday": "", "years": "years",
}  # fmt: skip
_LONG = {"m_per_s": "m/s", "km_per_h": "km/h"}


def unit_of(column: str) -> str:
    """Return the unit that the name of a column says; empty for a plain number and where it says none."""
    for ending, unit in _LONG.items():
        if column.endswith(f"_{ending}"):
            return unit
    _, separator, last = column.rpartition("_")
    return _UNITS.get(last, "") if separator else ""
