"""The readiness rule of the daily links: which days to make now, from state alone.

Events are hints; the lake and the ledger decide. A run for day D settles D and every later day whose inputs reach back
to D: days that were waiting for D, and days whose inputs D has changed; where the last of them was due, also the due
days that follow it. So days may arrive in any order, corrections flow, and repeats cost one look-up. How a day is made
belongs in the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from catena.declaration import Calendar
from catena.lake import WHOLE, Lake, combined_identity
from catena.partitions import days, shift_day
from catena.run import Outcome

# Days beyond its reach that a run makes besides, so that a pass holds a month of rows and the reach, and no more.
AT_ONCE = 31


@dataclass(frozen=True)
class Need:
    """An input of a daily link: day partitions from `first_offset` to `last_offset` around the day, both included.

    `first_offset=None` stands for an unpartitioned table; with `is_final` what streams told of a day is not enough.
    """

    table: str
    first_offset: int | None = 0
    last_offset: int = 0
    is_final: bool = False

    def partitions(self, day: str, calendar: Calendar) -> list[str]:
        """Return the partitions needed for a day, within the calendar."""
        if self.first_offset is None:
            return [WHOLE]
        first = max(shift_day(day, self.first_offset), calendar.first)
        last = shift_day(day, self.last_offset)
        return days(first, last) if first <= last else []


class NeverSettles(RuntimeError):
    """A link published again and again without coming to an end."""


@dataclass(frozen=True)
class Settlement:
    """What a run has to do.

    Attributes:
        due: days to make now, each with the identity of its inputs, in order.
        current: days in reach whose output stands for exactly these inputs.
        waiting: why the first of the wanted days that cannot be made has to wait; None where all can or are current.
    """

    due: dict[str, int]
    current: tuple[str, ...]
    waiting: str | None


def settle(
    lake: Lake,
    calendar: Calendar,
    *,
    wanted: Sequence[str],
    output: str,
    spine: str,
    needs: Sequence[Need],
    besides: Callable[[str], Mapping[str, Any] | None],
    is_decided: Callable[[str, str], bool],
) -> Settlement:
    """Return which days of the output are due after something happened to the days `wanted`.

    Args:
        wanted: one day, or days that follow each other without a gap.
        output: table that the link writes, one partition a day.
        spine: table whose partition must exist, if only without rows, for a day that is not wanted to be looked at.
        needs: what a day is made from.
        besides: further facts that decide a day's content (model version, digest of the SQL); None: not ready yet.
        is_decided: whether an absent partition (table, day) is known to stay absent, so that waiting is in vain.
    """
    offsets = [(need.first_offset, need.last_offset) for need in needs if need.first_offset is not None]
    earliest = shift_day(wanted[0], -max((last for _, last in offsets), default=0))
    latest = shift_day(wanted[-1], -min((first for first, _ in offsets), default=0))
    look = _Look(lake, calendar, output, needs, besides, is_decided)
    reach = [key for key in days(min(earliest, wanted[0]), max(latest, wanted[-1])) if calendar.holds(key)]
    # Not `lake.partitions`: a day without rows holds none, and still is a day that others wait for.
    spines = lake.contents(spine, reach)
    found = look.at([key for key in reach if key in wanted or spines[key] is not None])
    due = {key: each.identity for key, each in found.items() if each.is_due}
    # The edge of the reach waited too: so do days beyond it that have come meanwhile. Without this each run of a flood
    # of events would make the one day that the run before it could not see.
    edge = latest
    while latest > wanted[-1] and edge in due and len(due) < AT_ONCE:
        beyond = [key for key in days(shift_day(edge, 1), shift_day(edge, AT_ONCE)) if calendar.holds(key)]
        ahead = look.at([key for key, content in lake.contents(spine, beyond).items() if content is not None])
        due |= _leading(beyond, ahead)
        edge = shift_day(edge, AT_ONCE)
    outside = [f"{key} lies outside the calendar of the use case" for key in wanted if key not in found]
    reasons = [*outside, *(found[key].waiting for key in wanted if key in found)]
    current = tuple(key for key, each in found.items() if each.is_current)
    return Settlement(due, current, next((reason for reason in reasons if reason), None))


@dataclass(frozen=True)
class _Found:
    """How a day stands: what it waits for, or the identity of its inputs and whether its output was made from them."""

    waiting: str | None
    identity: int = 0
    is_current: bool = False

    @property
    def is_due(self) -> bool:
        return self.waiting is None and not self.is_current


@dataclass(frozen=True)
class _Look:
    """Looks at days in lake and ledger."""

    lake: Lake
    calendar: Calendar
    output: str
    needs: Sequence[Need]
    besides: Callable[[str], Mapping[str, Any] | None]
    is_decided: Callable[[str, str], bool]

    def at(self, keys: Sequence[str]) -> dict[str, _Found]:
        """Return how each of the days stands, each table opened once."""
        wanted = {
            need.table: sorted({part for key in keys for part in need.partitions(key, self.calendar)})
            for need in self.needs
        }
        finals = {need.table for need in self.needs if need.is_final}
        contents = {table: self.lake.contents(table, parts, final=table in finals) for table, parts in wanted.items()}
        recorded = self.lake.inputs(self.output, keys)
        return {key: self._one(key, contents, recorded[key]) for key in keys}

    def _one(self, key: str, contents: Mapping[str, Mapping[str, int | None]], recorded: int | None) -> _Found:
        inputs = {
            need.table: {part: contents[need.table][part] for part in need.partitions(key, self.calendar)}
            for need in self.needs
        }
        missing = [
            f"{table}[{part}]"
            for table, parts in inputs.items()
            for part, content in parts.items()
            if content is None and not self.is_decided(table, part)
        ]
        if missing:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            return _Found(f"waiting for {', '.join(missing[:5])}{more}")
        others = self.besides(key)
        if others is None:
            return _Found("waiting for a decision on what serves")
        identity = combined_identity({"inputs": inputs, "besides": dict(others)})
        return _Found(None, identity, recorded == identity)


def _leading(keys: Sequence[str], found: Mapping[str, _Found]) -> dict[str, int]:
    """Return the due days up to the first one that is not."""
    leading = takewhile(lambda key: key in found and found[key].is_due, keys)
    return {key: found[key].identity for key in leading}


def until_settled(link: Callable[[], Outcome], attempts: int = 20) -> Outcome:
    """Call a link until it has nothing more to publish, and return what all calls did together.

    While a run makes a day, another may commit a correction of its inputs and make the day from them first; the slower
    one then leaves old content behind, and no event would follow. So whoever publishes looks once more.

    Raises:
        NeverSettles: the inputs changed during every attempt, or the link does not record what it made.
    """
    outcome = link()
    last = outcome
    for _ in range(attempts):
        if last.status != "published":
            return outcome
        last = link()
        if last.status == "published":
            outcome = replace(
                last,
                reason=f"{outcome.reason}; again, for newer inputs: {last.reason}",
                partitions=tuple(sorted({*outcome.partitions, *last.partitions})),
                versions=outcome.versions | last.versions,
                details=outcome.details | last.details,
            )
    raise NeverSettles(f"published {attempts + 1} times and still finds something to make: {outcome.reason}")
