"""The full hours of a stream, by the clock of its events: whether as many records came as on other days.

Rules on rows are those of the dataset that a stream feeds, and hold in `catena.chain.streaming.merge`. Those on whole
days cannot be judged while a day goes on; these take their place.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc

from catena.chain.ingesting.quarantine import effective_at
from catena.declaration import Stream, UseCase
from catena.governance import Fact
from catena.lake import EventTable, Lake
from catena.partitions import day_key, shift_day
from catena.quality.hours import Hour, judge_each
from catena.quality.rules import rule_name
from catena.run import Run
from catena.workspace import Workspace

_HOUR = timedelta(hours=1)
# An event belongs to a day that is at most so far from the one in which it became known.
_MARGIN_DAYS = 2
# A single event with a wild clock makes no endless range of hours.
_MOST = timedelta(days=400)

log = logging.getLogger(__name__)


def clock_of(lake: Lake, stream: Stream) -> datetime | None:
    """Return when the newest event became known that a stream's table holds, None where it holds none."""
    table = EventTable(lake, stream.table)
    marks = [position.watermark for position in table.positions(table.known_logs()).values()]
    newest = max((mark for mark in marks if mark is not None), default=None)
    return None if newest is None else datetime.fromtimestamp(newest / 1e6, UTC)


def judge_hours(
    workspace: Workspace, usecase: UseCase, stream: Stream, run: Run, before: datetime | None
) -> dict[str, str]:
    """Judge the days of which an hour became full, up to the last full hour, and note verdicts that changed.

    A day is judged anew with each of its hours, so that what came late counts, and a run that died makes no gap in it.

    Args:
        workspace: the installation.
        usecase: whose stream.
        stream: declared.
        run: who judges.
        before: the clock of the stream before the run landed its records.

    Returns:
        The verdict of each day that was judged, PASS or WARN; none where no hour became full.
    """
    lake = workspace.lake(usecase)
    clock = clock_of(lake, stream)
    if not stream.hours or clock is None or (before is not None and _begin(clock) <= _begin(before)):
        return {}
    counts = _counts(lake, stream, before)
    first = _begin(max(min(counts) if before is None else before, clock - _MOST)).replace(hour=0)
    hours = [first + n * _HOUR for n in range((_begin(clock) - first) // _HOUR)]
    judged: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for rule in stream.hours:
        by_day: dict[str, list[Hour]] = defaultdict(list)
        for hour in judge_each(rule, counts, hours):
            by_day[day_key(hour.begin.date())].append(hour)
        for day, found in by_day.items():
            # Of a day without days before it nothing can be said.
            if not np.isnan([hour.ratio for hour in found]).all():
                judged[day].append(_said(rule_name(rule), rule.severity, rule.reason, found))
    facts = [_fact(usecase, stream, day, rules) for day, rules in sorted(judged.items())]
    _note(workspace, stream, facts, run)
    return {fact.partition: fact.decision for fact in facts}


def _counts(lake: Lake, stream: Stream, before: datetime | None) -> dict[datetime, int]:
    """Return the records that became known in each hour, copies included, as far back as the rules look."""
    days = None
    if before is not None:
        back = max(rule.trailing_days for rule in stream.hours) + _MARGIN_DAYS
        oldest = shift_day(day_key(before.date()), -back)
        days = [day for day in lake.partitions(stream.table) if day >= oldest]
    rows = lake.read(stream.table, days, columns=["known_at"])
    hours = pc.floor_temporal(rows["known_at"].drop_null(), unit="hour").value_counts().to_pylist()
    return {item["values"]: item["counts"] for item in hours}


def _said(rule: str, severity: str, reason: str, found: list[Hour]) -> dict[str, Any]:
    unusual = [hour for hour in found if not hour.is_usual]
    return {
        "rule": rule, "severity": severity, "reason": reason, "success": not unusual,
        "hours": [
            {"hour": hour.begin.isoformat(), "records": hour.records, "expected": round(hour.expected, 1),
             "ratio": round(hour.ratio, 3)}
            for hour in unusual
        ],
    }  # fmt: skip


def _fact(usecase: UseCase, stream: Stream, day: str, rules: list[dict[str, Any]]) -> Fact:
    decision = "PASS" if all(rule["success"] for rule in rules) else "WARN"
    payload = {"stream": stream.name, "rules": rules}
    return Fact("quality", stream.table, day, decision, effective_at(usecase, day), payload)


def _note(workspace: Workspace, stream: Stream, facts: list[Fact], run: Run) -> None:
    """Enter the verdicts that changed: another decision, or other hours; not that an unusual hour got more records."""
    entries = workspace.ledger.entries(run.usecase, kind="quality", subject=stream.table)
    standing = {entry.partition: _gist(entry.decision, entry.payload) for entry in entries}
    news = [fact for fact in facts if standing.get(fact.partition) != _gist(fact.decision, dict(fact.payload))]
    workspace.ledger.append_all(run, news)
    for fact in news:
        unusual = [hour for rule in fact.payload["rules"] for hour in rule["hours"]]
        if unusual:
            log.warning("stream %s of %s: unusual hours on %s: %s", stream.name, run.usecase, fact.partition, unusual)


def _gist(decision: str, payload: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    return decision, [(rule["rule"], hour["hour"]) for rule in payload["rules"] for hour in rule["hours"]]


def _begin(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
