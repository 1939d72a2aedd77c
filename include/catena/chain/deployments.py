"""What serves on each day, as the fold of promotions and rollbacks, and where each version served from when to when.

Who decides it belongs in `catena.chain.promote`, `catena.chain.redeploy` and `catena.chain.guard`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.partitions import days_of, is_day, month_of, shift_day

Serves = dict[str, Any]


@dataclass(frozen=True)
class Spell:
    """Days on which one version served.

    Attributes:
        last: None where it goes on.
        entry: what brought the version.
        ended_by: what took it away; None where it goes on.
    """

    first: str
    last: str | None
    serves: Serves
    entry: Entry
    ended_by: Entry | None = None


@dataclass(frozen=True)
class _Point:
    """What holds from a day on; `barred` are the versions that were rolled back, and not promoted by hand since."""

    day: str
    serves: Serves | None
    entry: Entry | None
    barred: frozenset[str]
    rollback: Entry | None = None


class Deployments:
    """The deployment ledger of a use case, read once.

    On the first of a month the month's decision comes first, on the day after a training off schedule the decision on
    that; rollbacks and promotions by hand of that day follow it, whatever the order of recording. A rollback speaks of
    the version that it takes away: where that version does not serve anyway, it changes nothing. A decision that holds
    keeps what serves, also where that was rolled back after the decision was recorded. So the same entries give the
    same fold in any order of months and days.
    """

    def __init__(self, ledger: Ledger, usecase: UseCase) -> None:
        self._first_month = month_of(usecase.calendar.first)
        promotions = ledger.entries(usecase.name, kind="promotion", subject="model")
        self._gated = {entry.partition: entry for entry in promotions if is_by_gate(entry)}
        self._months = {key for key in self._gated if not is_day(key)}
        by_hand = [entry for entry in promotions if not is_by_gate(entry)]
        rollbacks = ledger.entries(usecase.name, kind="rollback", subject="model")
        self._by_day: dict[str, list[Entry]] = {}
        for entry in sorted([*by_hand, *rollbacks], key=lambda entry: entry.id):
            self._by_day.setdefault(entry.partition, []).append(entry)
        self._points = self._fold()
        self._days = [point.day for point in self._points]

    # -- by day -------------------------------------------------------------------------------------------------------

    def serves(self, day: str) -> Serves | None:
        """Return what serves on the day, None where nothing does or its month is not decided yet."""
        return self.carried(day) if month_of(day) in self._months else None

    def carried(self, day: str) -> Serves | None:
        """Return what serves on the day by all that is recorded now, also in a month that is not decided yet."""
        point = self._at(day)
        return None if point is None else point.serves

    def is_unserved(self, day: str) -> bool:
        """Return whether it is settled that nothing served on the day.

        Nothing can serve in the first month of the calendar, since a month is needed to train on; nor before the
        first month that was ever decided.
        """
        month = month_of(day)
        if month in self._months:
            return self.serves(day) is None
        return month == self._first_month or (bool(self._months) and month < min(self._months))

    def barred(self, day: str) -> frozenset[str]:
        """Return the versions that were rolled back up to the day, and not promoted by hand since."""
        point = self._at(day)
        return frozenset() if point is None else point.barred

    # -- by decision --------------------------------------------------------------------------------------------------

    @property
    def months(self) -> Sequence[str]:
        """The months that are decided, in order."""
        return sorted(self._months)

    @property
    def decided(self) -> Sequence[str]:
        """The months that are decided, and the days with a decision on a training off schedule, in order."""
        return sorted(self._gated, key=_first_day)

    def decision(self, month: str) -> Entry | None:
        """Return the standing decision of the gate on a month, or on a day."""
        return self._gated.get(month)

    def decision_on(self, version: str) -> Entry | None:
        """Return the standing decision in which a version was the challenger, None where there is none."""
        for key in self.decided:
            if (self._gated[key].payload.get("challenger") or {}).get("model_version") == version:
                return self._gated[key]
        return None

    def incumbent(self, month: str) -> Serves | None:
        """Return what serves from a month or day on unless the decision on it replaces that."""
        first = _first_day(month)
        before = self._at(shift_day(first, -1)) or _Point(first, None, None, frozenset())
        return _with(self._by_day.get(first, ()), before).serves

    def is_overtaken(self, month: str) -> bool:
        """Return whether the decision on a month or day was made against another version than the fold says today."""
        entry = self._gated[month]
        return "incumbent" in entry.payload and entry.payload["incumbent"] != model_of(self.incumbent(month))

    # -- in order -----------------------------------------------------------------------------------------------------

    def newest(self) -> Serves | None:
        """Return what serves after all that is recorded."""
        return self._points[-1].serves if self._points else None

    def spells(self) -> list[Spell]:
        """Return which version served from when to when, in order; days on which nothing served are left out."""
        changes: list[_Point] = []
        for point in self._points:
            if not changes or _key(point.serves) != _key(changes[-1].serves):
                changes.append(point)
        found = [
            Spell(point.day, shift_day(after.day, -1), point.serves, point.entry, after.entry)
            for point, after in pairwise(changes)
            if point.serves is not None and point.entry is not None
        ]
        if changes and (last := changes[-1]).serves is not None and last.entry is not None:
            found.append(Spell(last.day, None, last.serves, last.entry))
        return found

    def rollbacks(self) -> list[Entry]:
        """Return the rollbacks that changed what serves, in order."""
        return [point.rollback for point in self._points if point.rollback is not None]

    def before(self, day: str) -> Serves | None:
        """Return what a rollback from what serves on the day goes to, None where there is nothing.

        That is the last model that served before it and was not rolled back itself; else the month's baseline.
        """
        current, barred = _key(self.carried(day)), self.barred(day)
        for spell in reversed(self.spells()):
            version = spell.serves["model_version"]
            is_former = spell.first < day and version != current and version not in barred
            if is_former and spell.serves["role"] == "champion":
                return spell.serves
        months = [month for month in self.months if month <= month_of(day)]
        return _baseline(self._gated[months[-1]]) if months else None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _at(self, day: str) -> _Point | None:
        place = bisect_right(self._days, day)
        return self._points[place - 1] if place else None

    def _fold(self) -> list[_Point]:
        points: list[_Point] = []
        held = _Point("", None, None, frozenset())
        decisions = {_first_day(key): entry for key, entry in self._gated.items()}
        for day in sorted({*decisions, *self._by_day}):
            held = replace(held, day=day, rollback=None)
            if (decision := decisions.get(day)) is not None:
                held = replace(held, serves=_decided(decision, held.serves), entry=decision)
            held = _with(self._by_day.get(day, ()), held)
            points.append(held)
        return points


def is_by_gate(entry: Entry) -> bool:
    """Return whether a promotion is the gate's decision on a training; those by hand name who asked for them."""
    return "actor" not in entry.payload


def model_of(serves: Mapping[str, Any] | None) -> str | None:
    """Return the version of a model that serves, None where a baseline or nothing does."""
    return None if serves is None or serves["role"] != "champion" else str(serves["model_version"])


def _decided(entry: Entry, held: Serves | None) -> Serves | None:
    """Return what serves after a decision of the gate."""
    said: Serves | None = entry.payload.get("serves") or None
    if entry.decision == "PROMOTE" or said is None or held is None:
        return said if entry.decision == "PROMOTE" or held is None else held
    if held["role"] == "champion":
        return held
    # A baseline goes on as the month's own; a model that the decision held on to is gone by now.
    return said if said["role"] == "baseline" else _baseline(entry) or held


def _baseline(entry: Entry) -> Serves | None:
    made = entry.payload.get("baseline")
    if made is None:
        return None
    facts = {name: made[name] for name in ("model_version", "run_id", "sha256")}
    return {**facts, "role": "baseline", "trained_on": entry.payload.get("training_month")}


def _with(entries: Sequence[Entry], held: _Point) -> _Point:
    """Return what holds after a day's rollbacks and promotions by hand."""
    for entry in entries:
        serves = entry.payload["serves"]
        if entry.kind == "promotion":
            held = replace(held, serves=serves, entry=entry, barred=held.barred - {serves["model_version"]})
        elif (gone := _key(held.serves)) is not None and gone == entry.payload["replaces"]["model_version"]:
            barred = (held.barred | {gone}) - {serves["model_version"]}
            held = replace(held, serves=serves, entry=entry, barred=barred, rollback=entry)
    return held


def _first_day(key: str) -> str:
    return days_of(key)[0]


def _key(serves: Serves | None) -> str | None:
    return None if serves is None else str(serves["model_version"])
