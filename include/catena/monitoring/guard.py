"""When a version has failed its guard: days beyond the limit in a row, on enough labels. Pure.

Which days are judged, and what follows from a breach, belongs in `catena.chain.watching.guard`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catena.declaration import Guard


@dataclass(frozen=True)
class Judged:
    """The guard's measure of a day.

    Attributes:
        version: what served on the day.
        value: None where it is not defined.
        rows: labelled rows that it rests on.
        known_on: the day on which the last label of the day became known.
    """

    day: str
    version: str
    value: float | None
    rows: int
    known_on: str


@dataclass(frozen=True)
class Breach:
    """Days in a row on which a version was beyond the limit; as many as confirm it."""

    version: str
    days: tuple[Judged, ...]

    @property
    def known_on(self) -> str:
        """The day on which the breach was known."""
        return max(item.known_on for item in self.days)


def breaches(judged: Iterable[Judged], guard: Guard) -> Iterator[Breach]:
    """Yield a breach for each day on which one is confirmed, in order.

    A day with too few labels says nothing; a day within the limit, or another version, begins the count anew.
    """
    row: list[Judged] = []
    for item in judged:
        if row and row[-1].version != item.version:
            row = []
        if item.value is None or item.rows < guard.minimum_rows:
            continue
        row = [*row, item][-guard.confirmation_days :] if guard.is_breached(item.value) else []
        if len(row) == guard.confirmation_days:
            yield Breach(item.version, tuple(row))
