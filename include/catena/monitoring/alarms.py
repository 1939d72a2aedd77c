"""When alerts are an alarm, and when alarms ask for a training: pure functions of measured days.

An alert is a measure beyond its limit on one day. It is raised as an alarm on the first such day, confirmed when it has
stood for the declared number of measured days in a row, cleared on the first day without it. A confirmed alarm asks for
a training at the end of the day on which it was known, unless one was cut shortly before: all by logical days, so that
a backfill decides as the days themselves did. Which days are measured belongs in `catena.chain.watching.alarms`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from catena.declaration import Retraining
from catena.monitoring.measures import LABEL_FREE
from catena.partitions import shift_day


@dataclass(frozen=True)
class Standing:
    """How a subject stood on a measured day.

    Attributes:
        value: of the measure; None where the day has none beyond its limit.
        known_on: the day on which that was known: of a measure that needs labels, when the last of them had come.
    """

    day: str
    is_alert: bool
    known_on: str
    value: float | None = None


@dataclass(frozen=True)
class Alarm:
    """What a subject's alarm came to on a day.

    Attributes:
        subject: the measure, and the column where there is one, as alerts are called.
        since: first day of the days in a row.
        days: how many there were by then.
    """

    subject: str
    day: str
    decision: Literal["RAISED", "CONFIRMED", "CLEARED"]
    since: str
    days: int
    known_on: str
    value: float | None


@dataclass(frozen=True)
class Trigger:
    """A training that alarms ask for, cut at the end of a day."""

    day: str
    alarms: tuple[Alarm, ...]


def alarms(subject: str, standings: Iterable[Standing], confirmation_days: int) -> Iterator[Alarm]:
    """Yield what changes about an alarm, day by day; one that is confirmed on its first day is confirmed at once."""
    row: list[Standing] = []
    for standing in standings:
        if standing.is_alert:
            row.append(standing)
            if len(row) == confirmation_days:
                yield _alarm(subject, row, "CONFIRMED")
            elif len(row) == 1:
                yield _alarm(subject, row, "RAISED")
        elif row:
            first, days, row = row[0], len(row), []
            yield Alarm(subject, standing.day, "CLEARED", first.day, days, standing.known_on, None)


def standing_confirmed(subject: str, standings: Iterable[Standing], confirmation_days: int) -> Iterator[Alarm]:
    """Yield a confirmed alarm for each day on which it stands, from the day of its confirmation on."""
    row: list[Standing] = []
    for standing in standings:
        row = [*row, standing] if standing.is_alert else []
        if len(row) >= confirmation_days:
            yield _alarm(subject, row, "CONFIRMED")


def triggers(
    standings: Mapping[str, Sequence[Standing]], declared: Retraining, trained: Collection[str] = ()
) -> Iterator[Trigger]:
    """Yield the trainings that alarms ask for, in order.

    Args:
        standings: the measured days of each subject, in order.
        declared: which subjects ask, after how many days, and how long after a training nobody asks.
        trained: days at whose end a training is cut anyway.
    """
    by_day: dict[str, list[Alarm]] = {}
    for subject, days in standings.items():
        if is_named(subject, declared.on):
            for alarm in standing_confirmed(subject, days, declared.confirmation_days):
                by_day.setdefault(alarm.known_on, []).append(alarm)
    cuts = set(trained)
    for day in sorted(by_day):
        last = max((cut for cut in cuts if cut <= day), default=None)
        if last is None or day >= shift_day(last, declared.cooldown_days):
            cuts.add(day)
            newest = {alarm.subject: alarm for alarm in sorted(by_day[day], key=lambda alarm: alarm.day)}
            yield Trigger(day, tuple(newest[subject] for subject in sorted(newest)))


def is_named(subject: str, names: Collection[str]) -> bool:
    """Return whether a subject is among names: its own, as `psi:carrier`, or its measure's."""
    return subject in names or subject.partition(":")[0] in names


def needs_labels(subject: str) -> bool:
    """Return whether a subject's measure rests on labels."""
    measure = subject.partition(":")[0]
    return measure not in LABEL_FREE and not measure.startswith("estimated_")


def _alarm(subject: str, row: Sequence[Standing], decision: Literal["RAISED", "CONFIRMED"]) -> Alarm:
    # Known once all its days were.
    known_on = max(standing.known_on for standing in row)
    return Alarm(subject, row[-1].day, decision, row[0].day, len(row), known_on, row[-1].value)
