"""What serves on each day, and beside it, as the fold of promotions and rollbacks; which version served when.

Who decides it belongs in `catena.chain.deciding.promote`, `catena.chain.deploying.redeploy` and
`catena.chain.watching.guard`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from catena.chain.deploying.fold import (
    Point,
    arrived,
    baseline_of,
    first_day,
    is_by_gate,
    judged,
    key_of,
    model_of,
    with_changes,
)
from catena.chain.deploying.trials import Serves, Trial
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.partitions import is_day, month_of, shift_day

__all__ = ["Deployments", "Serves", "Spell", "is_by_gate", "model_of"]


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


class Deployments:
    """The deployment ledger of a use case, read once.

    On the first of a month the month's decision comes first, on the day after a training off schedule the decision on
    that; rollbacks and promotions by hand of that day follow it, whatever the order of recording. A rollback speaks of
    the version that it takes away: where that version does not serve anyway, it changes nothing. A decision that holds
    keeps what serves, also where that was rolled back after the decision was recorded. So the same entries give the
    same fold in any order of months and days.

    While a canary runs, what serves is the version before it: the canary takes its keys from that.
    """

    def __init__(self, ledger: Ledger, usecase: UseCase) -> None:
        self._first_month = month_of(usecase.calendar.first)
        self._has_shadows = usecase.serving.shadow
        self._trains = usecase.trains
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
        return self.carried(day) if self.is_decided(month_of(day)) else None

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
        if self.is_decided(month):
            return self.serves(day) is None
        return month == self._first_month or (bool(self._months) and month < min(self._months))

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

    # -- by decision --------------------------------------------------------------------------------------------------

    @property
    def months(self) -> Sequence[str]:
        """The months that are decided, in order."""
        return sorted(self._months)

    @property
    def decided(self) -> Sequence[str]:
        """The months that are decided, and the days with a decision on a training off schedule, in order."""
        return sorted(self._gated, key=first_day)

    def is_decided(self, month: str) -> bool:
        """Return whether it is decided what serves in a month.

        Where each month is trained, each is decided; else what serves goes on until another version is brought.
        """
        return month in self._months or (not self._trains and bool(self._months) and month > min(self._months))

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
        first = first_day(month)
        before = arrived(self._at(shift_day(first, -1)) or Point(first, None, None, frozenset()), first)
        return with_changes(self._by_day.get(first, ()), before).serves

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
        changes: list[Point] = []
        for point in self._points:
            if not changes or key_of(point.serves) != key_of(changes[-1].serves):
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
        current, barred = key_of(self.carried(day)), self.barred(day)
        for spell in reversed(self.spells()):
            version = spell.serves["model_version"]
            is_former = spell.first < day and version != current and version not in barred
            if is_former and spell.serves["role"] == "champion":
                return spell.serves
        months = [month for month in self.months if month <= month_of(day)]
        return baseline_of(self._gated[months[-1]]) if months else None

    # -- inside -------------------------------------------------------------------------------------------------------

    def _tried(self, day: str) -> Trial | None:
        point = self._at(day)
        if point is None or point.trial is None or point.serves is None:
            return None
        return None if point.trial.version in {*point.barred, point.serves["model_version"]} else point.trial

    def _at(self, day: str) -> Point | None:
        place = bisect_right(self._days, day)
        return self._points[place - 1] if place else None

    def _fold(self) -> list[Point]:
        points: list[Point] = []
        held = Point("", None, None, frozenset())
        decisions = {first_day(key): entry for key, entry in self._gated.items()}
        coming = sorted({*decisions, *self._by_day})
        while coming:
            day = coming.pop(0)
            held = replace(arrived(held, day), day=day, rollback=None)
            if (decision := decisions.get(day)) is not None:
                held = judged(decision, held)
            held = with_changes(self._by_day.get(day, ()), held)
            points.append(held)
            # A canary that nothing stops arrives by itself.
            arrival = None if held.trial is None or held.trial.last is None else shift_day(held.trial.last, 1)
            if arrival is not None and arrival not in coming:
                insort(coming, arrival)
        return points
