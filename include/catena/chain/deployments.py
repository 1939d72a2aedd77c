"""What serves on each day, and beside it, as the fold of promotions and rollbacks; which version served when.

Who decides it belongs in `catena.chain.promote`, `catena.chain.redeploy` and `catena.chain.guard`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from catena.chain.trials import Serves, Trial, canary_of, shadow_of
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.partitions import month_of, shift_day

__all__ = ["Deployments", "Serves", "Spell", "is_monthly", "model_of"]
_MONTH = len("2013-01")


@dataclass(frozen=True)
class Spell:
    """Days on which one version served.

    Attributes:
        last: None where it goes on.
        entry: what brought the version.
        ended_by: what took it away; None where it goes on.
        share: of the keys that it served; below 1 as a canary.
    """

    first: str
    last: str | None
    serves: Serves
    entry: Entry
    ended_by: Entry | None = None
    share: float = 1.0


@dataclass(frozen=True)
class _Point:
    """What holds from a day on.

    Attributes:
        barred: the versions that were rolled back, and not promoted by hand since.
        trial: what is tried beside what serves; a canary serves its keys itself.
    """

    day: str
    serves: Serves | None
    entry: Entry | None
    barred: frozenset[str]
    rollback: Entry | None = None
    trial: Trial | None = None


class Deployments:
    """The deployment ledger of a use case, read once.

    On the first of a month the month's decision comes first; rollbacks and promotions by hand of that day follow it,
    whatever the order of recording. A rollback speaks of the version that it takes away: where that version does not
    serve anyway, it changes nothing. A decision that holds keeps what serves, also where that was rolled back after the
    decision was recorded. So the same entries give the same fold in any order of months and days.

    While a canary runs, what serves is the version before it: the canary takes its keys from that.
    """

    def __init__(self, ledger: Ledger, usecase: UseCase) -> None:
        self._first_month = month_of(usecase.calendar.first)
        self._has_shadows = usecase.serving.shadow
        promotions = ledger.entries(usecase.name, kind="promotion", subject="model")
        self._monthly = {entry.partition: entry for entry in promotions if is_monthly(entry)}
        by_hand = [entry for entry in promotions if not is_monthly(entry)]
        rollbacks = ledger.entries(usecase.name, kind="rollback", subject="model")
        self._by_day: dict[str, list[Entry]] = {}
        for entry in sorted([*by_hand, *rollbacks], key=lambda entry: entry.id):
            self._by_day.setdefault(entry.partition, []).append(entry)
        self._points = self._fold()
        self._days = [point.day for point in self._points]

    # -- by day -------------------------------------------------------------------------------------------------------

    def serves(self, day: str) -> Serves | None:
        """Return what serves on the day, None where nothing does or its month is not decided yet."""
        return self.carried(day) if month_of(day) in self._monthly else None

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
        if month in self._monthly:
            return self.serves(day) is None
        return month == self._first_month or (bool(self._monthly) and month < min(self._monthly))

    def trial(self, day: str) -> Trial | None:
        """Return what is scored beside what serves on the day, None where nothing is."""
        trial = None if self.serves(day) is None else self._tried(day)
        return None if trial is None or (trial.kind == "shadow" and not self._has_shadows) else trial

    def canary(self, day: str) -> Serves | None:
        """Return the version that runs as a canary on the day by all that is recorded now, None where none does."""
        trial = self._tried(day)
        return trial.challenger if trial is not None and trial.kind == "canary" else None

    def barred(self, day: str) -> frozenset[str]:
        """Return the versions that were rolled back up to the day, and not promoted by hand since."""
        point = self._at(day)
        return frozenset() if point is None else point.barred

    # -- by month -----------------------------------------------------------------------------------------------------

    @property
    def months(self) -> Sequence[str]:
        """The months that are decided, in order."""
        return sorted(self._monthly)

    def decision(self, month: str) -> Entry | None:
        """Return the standing decision on a month."""
        return self._monthly.get(month)

    def decision_on(self, version: str) -> Entry | None:
        """Return the standing decision in which a version was the challenger, None where there is none."""
        for month in self.months:
            if (self._monthly[month].payload.get("challenger") or {}).get("model_version") == version:
                return self._monthly[month]
        return None

    def incumbent(self, month: str) -> Serves | None:
        """Return what serves from the first of a month on unless the month's decision replaces it."""
        first = f"{month}-01"
        before = _arrived(self._at(shift_day(first, -1)) or _Point(first, None, None, frozenset()), first)
        return _with(self._by_day.get(first, ()), before).serves

    def is_overtaken(self, month: str) -> bool:
        """Return whether the decision on a month was made against another version than the fold says today."""
        entry = self._monthly[month]
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

    def canaries(self) -> list[Spell]:
        """Return which version ran as a canary from when to when, in order."""
        found: list[Spell] = []
        for point, after in pairwise([*self._points, None]):
            trial = point.trial if point is not None else None
            if point is None or trial is None or trial.kind != "canary":
                continue
            last = min(filter(None, (trial.last, shift_day(after.day, -1) if after else None)))
            ended_by = after.entry if after is not None and after.rollback is not None else trial.entry
            if found and found[-1].serves == trial.challenger and found[-1].last == shift_day(point.day, -1):
                found[-1] = replace(found[-1], last=last, ended_by=ended_by)
            else:
                found.append(Spell(point.day, last, trial.challenger, trial.entry, ended_by, trial.share))
        return found

    def served(self) -> list[Spell]:
        """Return all that served, on all keys or as a canary, in order."""
        return sorted([*self.spells(), *self.canaries()], key=lambda spell: (spell.first, spell.share))

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
        return _baseline(self._monthly[months[-1]]) if months else None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _tried(self, day: str) -> Trial | None:
        point = self._at(day)
        if point is None or point.trial is None or point.serves is None:
            return None
        return None if point.trial.version in {*point.barred, point.serves["model_version"]} else point.trial

    def _at(self, day: str) -> _Point | None:
        place = bisect_right(self._days, day)
        return self._points[place - 1] if place else None

    def _fold(self) -> list[_Point]:
        points: list[_Point] = []
        held = _Point("", None, None, frozenset())
        coming = sorted({f"{month}-01" for month in self._monthly} | set(self._by_day))
        while coming:
            day = coming.pop(0)
            held = replace(_arrived(held, day), day=day, rollback=None)
            if day.endswith("-01") and (decision := self._monthly.get(day[:_MONTH])) is not None:
                held = _judged(decision, held)
            held = _with(self._by_day.get(day, ()), held)
            points.append(held)
            # A canary that nothing stops arrives by itself.
            arrival = None if held.trial is None or held.trial.last is None else shift_day(held.trial.last, 1)
            if arrival is not None and arrival not in coming:
                insort(coming, arrival)
        return points


def is_monthly(entry: Entry) -> bool:
    """Return whether a promotion is a month's decision; those by hand are of a day."""
    return len(entry.partition) == _MONTH


def model_of(serves: Mapping[str, Any] | None) -> str | None:
    """Return the version of a model that serves, None where a baseline or nothing does."""
    return None if serves is None or serves["role"] != "champion" else str(serves["model_version"])


def _arrived(held: _Point, day: str) -> _Point:
    """Return what holds on a day where nothing happens: a canary that was not stopped serves all keys by then."""
    trial = held.trial
    if trial is None or trial.last is None or day <= trial.last:
        return held
    return replace(held, serves=trial.challenger, entry=trial.entry, trial=None)


def _judged(decision: Entry, held: _Point) -> _Point:
    """Return what holds after a decision of the gate; one that holds leaves a running canary alone."""
    canary = canary_of(decision, held.day)
    if canary is not None and held.serves is not None and _key(held.serves) != canary.version:
        return replace(held, trial=canary)
    is_running = held.trial is not None and held.trial.kind == "canary" and decision.decision != "PROMOTE"
    trial = held.trial if is_running else shadow_of(decision, held.day)
    return replace(held, serves=_decided(decision, held.serves), entry=decision, trial=trial)


def _decided(entry: Entry, held: Serves | None) -> Serves | None:
    """Return what serves after a month's decision."""
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
            barred = held.barred - {serves["model_version"]}
            held = replace(held, serves=serves, entry=entry, barred=barred, trial=_outlasting(held.trial, entry))
            continue
        gone = entry.payload["replaces"]["model_version"]
        barred = (held.barred | {gone}) - {serves["model_version"]}
        if held.trial is not None and held.trial.kind == "canary" and held.trial.version == gone:
            held = replace(held, serves=serves, entry=entry, barred=barred, rollback=entry, trial=None)
        elif _key(held.serves) == gone:
            trial = _outlasting(held.trial, entry)
            held = replace(held, serves=serves, entry=entry, barred=barred, rollback=entry, trial=trial)
    return held


def _outlasting(trial: Trial | None, entry: Entry) -> Trial | None:
    """Return the trial that goes on beside another version: whoever changes by hand what serves means all keys."""
    return trial if trial is None or trial.kind == "shadow" or entry.payload.get("is_automatic") else None


def _key(serves: Serves | None) -> str | None:
    return None if serves is None else str(serves["model_version"])
