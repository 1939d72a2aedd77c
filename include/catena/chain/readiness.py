"""The readiness rule of the daily links: which days to make now, from state alone.

Events are hints; the lake and the ledger decide. A run for day D settles D and every later day whose inputs reach back
to D: days that were waiting for D, and days whose inputs D has changed. So days may arrive in any order, corrections
flow, and repeats cost one look-up. How a day is made belongs in the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catena.declaration import Calendar
from catena.lake import WHOLE, Lake, combined_identity
from catena.partitions import days, shift_day


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
        spine: table whose partition must exist for a day to be made at all.
        needs: what a day is made from.
        besides: further facts that decide a day's content (model version, digest of the SQL); None: not ready yet.
        is_decided: whether an absent partition (table, day) is known to stay absent, so that waiting is in vain.
    """
    reach = max((-need.first_offset for need in needs if need.first_offset is not None), default=0)
    later = {key for key in lake.partitions(spine) if day < key <= shift_day(day, reach)}
    candidates = [key for key in (day, *sorted(later)) if calendar.first <= key <= (calendar.last or key)]
    wanted = {need.table: sorted({key for day_ in candidates for key in need.partitions(day_, calendar)})
              for need in needs}
    contents = {table: lake.contents(table, keys) for table, keys in wanted.items()}
    recorded = lake.inputs(output, candidates)
    due: dict[str, int] = {}
    current: list[str] = []
    waiting: str | None = None if day in candidates else f"{day} lies outside the calendar of the use case"
    for key in candidates:
        inputs = {need.table: {part: contents[need.table][part] for part in need.partitions(key, calendar)}
                  for need in needs}
        missing = [f"{table}[{part}]" for table, parts in inputs.items() for part, content in parts.items()
                   if content is None and not is_decided(table, part)]
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
