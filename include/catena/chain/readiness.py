"""The readiness rule of the daily links: which days to make now, from state alone.

Events are hints; the lake and the ledger decide. A run for day D settles D and every later day whose inputs reach back
to D: days that were waiting for D, and days whose inputs D has changed. So days may arrive in any order, corrections
flow, and repeats cost one look-up. How a day is made belongs in the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catena.declaration import Calendar
from catena.lake import WHOLE, Lake, combined_identity
from catena.partitions import days, shift_day
from catena.run import Outcome


@dataclass(frozen=True)
class Need:
    """An input of a daily link: day partitions from `first_offset` to `last_offset` around the day, both included.

    `first_offset=None` stands for an unpartitioned table.
    """

    table: str
    first_offset: int | None = 0
    last_offset: int = 0

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
    """What a run for one day has to do.

    Attributes:
        due: days to make now, each with the identity of its inputs, in order.
        current: days in reach whose output stands for exactly these inputs.
        waiting: why the run's own day cannot be made yet; None where it can or is current.
    """

    due: dict[str, int]
    current: tuple[str, ...]
    waiting: str | None


def settle(
    lake: Lake,
    calendar: Calendar,
    *,
    day: str,
    output: str,
    spine: str,
    needs: Sequence[Need],
    besides: Callable[[str], Mapping[str, Any] | None],
    is_decided: Callable[[str, str], bool],
) -> Settlement:
    """Return which days of the output are due after something happened to `day`.

    Args:
        output: table that the link writes, one partition a day.
        spine: table whose partition must exist, if only without rows, for another day than `day` to be looked at.
        needs: what a day is made from.
        besides: further facts that decide a day's content (model version, digest of the SQL); None: not ready yet.
        is_decided: whether an absent partition (table, day) is known to stay absent, so that waiting is in vain.
    """
    offsets = [(need.first_offset, need.last_offset) for need in needs if need.first_offset is not None]
    earliest = shift_day(day, -max((last for _, last in offsets), default=0))
    latest = shift_day(day, -min((first for first, _ in offsets), default=0))
    reach = [key for key in days(min(earliest, day), max(latest, day)) if _is_within(key, calendar)]
    # Not `lake.partitions`: a day without rows holds none, and still is a day that others wait for.
    spines = lake.contents(spine, reach)
    candidates = [key for key in reach if key == day or spines[key] is not None]
    wanted = {
        need.table: sorted({key for day_ in candidates for key in need.partitions(day_, calendar)}) for need in needs
    }
    contents = {table: lake.contents(table, keys) for table, keys in wanted.items()}
    recorded = lake.inputs(output, candidates)
    due: dict[str, int] = {}
    current: list[str] = []
    waiting: str | None = None if day in candidates else f"{day} lies outside the calendar of the use case"
    for key in candidates:
        inputs = {
            need.table: {part: contents[need.table][part] for part in need.partitions(key, calendar)} for need in needs
        }
        missing = [
            f"{table}[{part}]"
            for table, parts in inputs.items()
            for part, content in parts.items()
            if content is None and not is_decided(table, part)
        ]
        others = None if missing else besides(key)
        if missing or others is None:
            if key == day:
                shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
                waiting = f"waiting for {shown}" if missing else "waiting for a decision on what serves"
            continue
        identity = combined_identity({"inputs": inputs, "besides": dict(others)})
        if recorded[key] == identity:
            current.append(key)
        else:
            due[key] = identity
    return Settlement(due, tuple(current), waiting)


def _is_within(day: str, calendar: Calendar) -> bool:
    return calendar.first <= day and (calendar.last is None or day <= calendar.last)


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
