"""What serves in each month, as the ledger says, and from which month on anything can serve.

Who decides it belongs in `catena.chain.promote`.
"""

from __future__ import annotations

from typing import Any

from catena.declaration import UseCase
from catena.governance import Ledger
from catena.partitions import month_of


class ServingMonths:
    """The fold of all promotions of a use case, read once."""

    def __init__(self, ledger: Ledger, usecase: UseCase) -> None:
        self._first_month = month_of(usecase.calendar.first)
        entries = ledger.entries(usecase.name, kind="promotion", subject="model")
        self._serves: dict[str, dict[str, Any] | None] = {
            entry.partition: entry.payload.get("serves") or None for entry in entries
        }

    def serves(self, day: str) -> dict[str, Any] | None:
        """Return what serves on the day, None where nothing does or nothing is decided yet."""
        return self._serves.get(month_of(day))

    def is_unserved(self, day: str) -> bool:
        """Return whether it is settled that nothing served on the day.

        Nothing can serve in the first month of the calendar, since a month is needed to train on; nor before the
        first month that was ever decided.
        """
        month = month_of(day)
        if month in self._serves:
            return self._serves[month] is None
        return month == self._first_month or (bool(self._serves) and month < min(self._serves))
