"""Alarms from the measured days: raised, confirmed and cleared in the ledger, and the trainings that they ask for.

When an alert is an alarm is said by `catena.monitoring.alarms`; how a training off schedule is made, by
`catena.chain.training.train`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from catena import monitoring as watch
from catena.chain.deploying.deployments import Deployments
from catena.chain.exclusive import exclusively
from catena.chain.training.training_data import effect_of, training_key
from catena.chain.watching.measured_days import labels_known_on, measured_days
from catena.declaration import Retraining, UseCase
from catena.governance import Entry, Fact, Ledger
from catena.lake import Lake
from catena.partitions import last_day_of, month_of, months, shift_day, start_of
from catena.run import Outcome, Run
from catena.workspace import Workspace

RETRAINING = "retraining"
_AGAIN = "The day was measured again, and the alarm is no more."
Cuts = Callable[[UseCase, str], Collection[str]]


def month_ends(usecase: UseCase, up_to: str) -> list[str]:
    """Return the days at whose end the months' own trainings are cut, up to the month of a day."""
    return [last_day_of(month) for month in months(month_of(usecase.calendar.first), month_of(up_to))]


def unanswered(ledger: Ledger, usecase: UseCase) -> list[str]:
    """Return the days at whose end a training was asked for and not decided on yet, in order."""
    deployments = Deployments(ledger, usecase)
    asked = {entry.partition for entry in ledger.entries(usecase.name, kind="alarm", subject=RETRAINING)}
    return sorted(day for day in asked if deployments.decision(effect_of(training_key(day))) is None)


def raise_alarms(workspace: Workspace, usecase: UseCase, run: Run, scheduled: Cuts = month_ends) -> Outcome:
    """Enter what changed about alarms, and ask for the next training that they call for.

    Only one training is asked for at a time: until it is decided on, later days may come to be served by its model, and
    to be measured anew. What was asked for stands, also where the day is measured again. An environment that trains
    nothing enters alarms and asks for nothing.

    Args:
        scheduled: returns the days up to one at whose end a training is cut without being asked for.

    Returns:
        The outcome; its partitions are the day at whose end a training is asked for, `confirmed` in its details are the
        alarms that this run entered as confirmed.
    """
    declared = usecase.monitoring.retraining
    if declared is None:
        return Outcome("skipped", "the use case declares no alarms")
    ledger = workspace.ledger
    with exclusively(workspace.engine, (usecase.name, "alarms")):
        deployments = Deployments(ledger, usecase)
        standings = standings_of(workspace.lake(usecase), usecase, deployments)
        before = ledger.entries(usecase.name, kind="alarm")
        asked = {entry.partition: entry for entry in before if entry.subject == RETRAINING}
        found = [
            alarm for subject, days in standings.items()
            for alarm in watch.alarms(subject, days, declared.confirmation_days)
        ]  # fmt: skip
        entered = _enter(ledger, run, found, before, _last_days(standings))
        confirmed = [asdict(alarm) for alarm in entered if alarm.decision == "CONFIRMED"]
        mine = [day for day, entry in asked.items() if run.try_number > 1 and entry.run_id == run.run_id]
        is_open = usecase.trains and not mine and not unanswered(ledger, usecase)
        new = _next_trigger(usecase, declared, standings, sorted(asked), scheduled) if is_open else None
        if new is not None:
            _ask(ledger, run, new, declared)
    days = tuple(mine or ([new.day] if new else []))
    details: dict[str, Any] = {"confirmed": confirmed, "entered": len(entered)}
    if days:
        why = ", ".join(alarm.subject for alarm in new.alarms) if new else "as the try before this one entered"
        return Outcome("published", f"a training is asked for at the end of {days[0]}: {why}", days, details=details)
    said = f"{len(entered)} changes of alarms, {len(confirmed)} confirmed; no training is asked for"
    return Outcome("unchanged", said, details=details)


def standings_of(lake: Lake, usecase: UseCase, deployments: Deployments) -> dict[str, list[watch.Standing]]:
    """Return how each subject that ever alerted stood on each measured day, in order.

    A subject that rests on labels is looked at up to the first day of whose window some have still to come.
    """
    window = usecase.monitoring.trailing_days
    days: list[tuple[str, str | None, dict[str, float | None]]] = []
    newest = ""
    for day, _serves, rows in measured_days(lake, usecase, deployments):
        known_on = labels_known_on(day, rows, window)
        if known_on is not None:
            # A window is known once the last of its days is.
            newest = max(newest, known_on, day)
        raised = rows[rows["is_alert"]]
        alerts = {
            watch.subject_of(measure, value_of): None if pd.isna(value) else float(value)
            for measure, value_of, value in zip(raised["measure"], raised["value_of"], raised["value"], strict=True)
        }
        days.append((day, None if known_on is None else newest, alerts))
    subjects = sorted({subject for _day, _known, alerts in days for subject in alerts})
    return {subject: list(_standings(subject, days)) for subject in subjects}


def _standings(
    subject: str, days: Sequence[tuple[str, str | None, Mapping[str, float | None]]]
) -> Iterator[watch.Standing]:
    on_labels = watch.needs_labels(subject)
    for day, known_on, alerts in days:
        if on_labels and known_on is None:
            return
        yield watch.Standing(day, subject in alerts, (known_on or day) if on_labels else day, alerts.get(subject))


def _last_days(standings: Mapping[str, Sequence[watch.Standing]]) -> dict[str, str]:
    return {subject: days[-1].day for subject, days in standings.items() if days}


def _enter(
    ledger: Ledger, run: Run, found: Sequence[watch.Alarm], before: Sequence[Entry], until: Mapping[str, str]
) -> list[watch.Alarm]:
    """Enter alarms, and clear those that stood on a day which was measured again without them; return the new ones."""
    facts = [
        Fact("alarm", alarm.subject, alarm.day, alarm.decision, start_of(shift_day(alarm.known_on, 1)),
             {**asdict(alarm), "reason": _said(alarm)})
        for alarm in found
    ]  # fmt: skip
    now = {(alarm.subject, alarm.day) for alarm in found}
    last = {(entry.subject, entry.partition): entry for entry in before if entry.subject != RETRAINING}
    for (subject, day), entry in last.items():
        gone = entry.decision != "CLEARED" and (subject, day) not in now and day <= until.get(subject, day)
        if gone:
            facts.append(Fact("alarm", subject, day, "CLEARED", entry.effective_at, {"reason": _AGAIN}))
    news = ledger.append_all(run, facts)
    return [alarm for alarm, is_new in zip(found, news, strict=False) if is_new]


def _said(alarm: watch.Alarm) -> str:
    value = "" if alarm.value is None else f", at last {alarm.value:.4f}"
    if alarm.decision == "CLEARED":
        return f"{alarm.subject} was beyond its limit from {alarm.since} on for {alarm.days} measured days."
    return f"{alarm.subject} is beyond its limit since {alarm.since}, {alarm.days} measured days in a row{value}."


def _next_trigger(
    usecase: UseCase, declared: Retraining, standings: Mapping[str, Sequence[watch.Standing]], asked: Sequence[str],
    scheduled: Cuts,
) -> watch.Trigger | None:  # fmt: skip
    """Return the first training that is called for and was not asked for yet."""
    last = max((days[-1].known_on for days in standings.values() if days), default=usecase.calendar.first)
    for trigger in watch.triggers(standings, declared, [*scheduled(usecase, last), *asked]):
        if not asked or trigger.day > asked[-1]:
            return trigger if usecase.calendar.holds(trigger.day) else None
    return None


def _ask(ledger: Ledger, run: Run, trigger: watch.Trigger, declared: Retraining) -> None:
    named = ", ".join(f"{alarm.subject} since {alarm.since}" for alarm in trigger.alarms)
    ledger.append(
        run, kind="alarm", subject=RETRAINING, partition=trigger.day, decision="ASKED",
        effective_at=start_of(shift_day(trigger.day, 1)),
        payload={
            "reason": f"{declared.reason} {named}.", "alarms": [asdict(alarm) for alarm in trigger.alarms],
            "declared": declared.model_dump(mode="json"),
        },
    )  # fmt: skip
