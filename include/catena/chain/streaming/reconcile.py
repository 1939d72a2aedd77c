"""The reconciliation: what the streams told of a day against the day's file, which is the authority.

Where the file has been ingested the tables hold it already; the differences are recorded. Where it has not, events that
came late enter the tables now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catena.chain.exclusive import exclusively
from catena.chain.streaming.merge import days_told, merging, publish_feed, told_by
from catena.declaration import Table, UseCase
from catena.governance import Fact
from catena.lake import EventTable, Lake
from catena.partitions import start_of
from catena.run import Outcome, Run
from catena.workspace import Workspace

_SHOWN = 5


def reconcile_days(workspace: Workspace, usecase: UseCase, days: Sequence[str], run: Run) -> Outcome:
    """Compare the days' events with their files, and note in the ledger by table and day whether they agree.

    Returns:
        The outcome with all days that were reconciled: who waits for final days hears of them.
    """
    with exclusively(workspace.engine, merging(usecase)):
        return _reconcile(workspace, usecase, days, run)


def _reconcile(workspace: Workspace, usecase: UseCase, days: Sequence[str], run: Run) -> Outcome:
    lake = workspace.lake(usecase)
    facts: list[Fact] = []
    changed: set[str] = set()
    for stream in usecase.streams:
        records = lake.read(stream.table, sorted(set(days) & set(lake.partitions(stream.table))))
        told_of = days_told(records, "on_time", "late")
        late = days_told(records, "late")
        # Before they are published: a merge that comes later must not take them out again.
        EventTable(lake, stream.table).admit_late(late, run)
        for feed in stream.feeds:
            source = (stream, feed)
            moved, closed = publish_feed(lake, usecase, source, records, told_of, run=run, with_late=True)
            changed |= moved
            compared = sorted(closed)
            if not compared:
                continue
            told = told_by(usecase, source, records, compared, run=run, with_late=True)
            for clean in usecase.dataset(feed.dataset).clean:
                table = usecase.table(clean.table)
                facts += [_fact(lake, table, stream.table, day, told.clean[clean.table]) for day in compared]
    news = workspace.ledger.append_all(run, facts)
    differing = sorted({fact.partition for fact in facts if fact.decision == "DIFFERENT"})
    if not facts and not changed:
        return Outcome("unchanged", "no events of these days, or none that changed anything")
    partitions = tuple(sorted({*changed, *(fact.partition for fact in facts)}))
    said = f"{len(facts)} comparisons, {len(differing)} days differ from their events; {len(changed)} took late events"
    return Outcome("published", said, partitions, details={"differing": differing, "entries": sum(news)})


def days_to_reconcile(workspace: Workspace, usecase: UseCase) -> list[str]:
    """Return the days with a file of which it or the events changed since, and those without one that have late events.

    Days in which dead letters were stored, and of which no event tells, are none of them.
    """
    lake = workspace.lake(usecase)
    entries = workspace.ledger.entries(usecase.name, kind="reconciliation")
    compared = {(entry.subject, entry.partition): entry.payload for entry in entries}
    due: set[str] = set()
    for stream in usecase.streams:
        records = lake.row_counts(stream.table)
        standings = lake.read(stream.table, columns=["partition", "standing"])
        told_of, late = days_told(standings, "on_time", "late"), set(days_told(standings, "late"))
        tables = [clean.table for feed in stream.feeds for clean in usecase.dataset(feed.dataset).clean]
        for table in tables:
            for day, content in lake.contents(table, told_of, final=True).items():
                last = compared.get((table, day), {})
                is_current = (last.get("records"), last.get("content")) == (records[day], str(content))
                if day in late if content is None else not is_current:
                    due.add(day)
    return sorted(due)


def differences(table: Table, told: pa.Table, authority: pa.Table) -> dict[str, Any]:
    """Return how the rows of events differ from those of the file: counts, and a few keys of each kind.

    Args:
        table: the declaration, with the key.
        told: rows of one day as the events tell them.
        authority: rows of the same day as the file has them.
    """
    key_of = table.primary_key
    volatile = {column.name for column in table.columns if column.is_volatile}
    compared = [column.name for column in table.columns if column.name not in volatile]

    def by_key(rows: pa.Table) -> dict[tuple[Any, ...], dict[str, Any]]:
        return {tuple(row[name] for name in key_of): row for row in rows.select(compared).to_pylist()}

    events, file = by_key(told), by_key(authority)
    missing, extra = sorted(file.keys() - events.keys()), sorted(events.keys() - file.keys())
    other = {
        key: sorted(name for name in compared if events[key][name] != file[key][name])
        for key in sorted(file.keys() & events.keys())
        if events[key] != file[key]
    }
    return {
        "rows_of_events": len(events), "rows_of_file": len(file),
        "only_in_file": len(missing), "only_in_events": len(extra), "other_values": len(other),
        "examples": {
            "only_in_file": [_shown(key) for key in missing[:_SHOWN]],
            "only_in_events": [_shown(key) for key in extra[:_SHOWN]],
            "other_values": {_shown(key): names for key, names in list(other.items())[:_SHOWN]},
        },
    }  # fmt: skip


def _fact(lake: Lake, table: Table, events: str, day: str, told: pa.Table) -> Fact:
    found = differences(table, told.filter(pc.equal(told["partition"], day)), lake.read(table.name, [day]))
    is_equal = not (found["only_in_file"] or found["only_in_events"] or found["other_values"])
    # What was compared, so that the same is not compared again.
    found |= {"records": lake.row_counts(events)[day], "content": str(lake.contents(table.name, [day])[day])}
    return Fact("reconciliation", table.name, day, "EQUAL" if is_equal else "DIFFERENT", start_of(day), found)


def _shown(key: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in key)
