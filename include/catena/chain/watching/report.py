"""The report link: issues the month's page once everything it speaks of is there, and anew where that has changed.

What the page says belongs in `catena.reports`, what it asks in `catena.insights`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from catena.chain.deploying.deployments import Deployments
from catena.chain.pages import write_index, write_page
from catena.chain.watching.cost import enter_costs
from catena.declaration import Stream, UseCase
from catena.governance import Ledger
from catena.insights import LEDGER, Query, Source, ask
from catena.lake import EventTable, Lake, combined_identity
from catena.partitions import days, days_of_month, shift_month, start_of
from catena.reports import Answer, disagreements, questions, report_page
from catena.run import Outcome, Run
from catena.workspace import Workspace

# What a report speaks of; its own entries and those of alerts (which the health table holds) are not among them.
_SPOKEN_OF = ("quality", "candidate", "promotion", "rollback", "shadow", "alarm")
# It tells what its month cost, too; each run costs something, so that alone is no reason to issue it again.
_CITED = (*_SPOKEN_OF, "cost")


def issue_report(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Issue the report of a month.

    Waits for the decision on what serves in the next month and for the health of every day that was served. The same
    inputs again write no file.
    """
    lake, ledger = workspace.lake(usecase), workspace.ledger
    serving = Deployments(ledger, usecase)
    span = _days(usecase, month)
    if not span:
        return Outcome("skipped", f"{month} lies outside the calendar of the use case")
    if waiting := _waiting(lake, ledger, usecase, serving=serving, month=month, span=span):
        return Outcome("skipped", waiting)
    identity = _identity(lake, ledger, usecase, month, span)
    path = report_path(workspace, usecase, month)
    last = ledger.last(usecase.name, "report", "monthly", partition=month)
    if last is not None and last.payload["identity"] == identity and path.exists():
        return Outcome("unchanged", f"issued already as {path}", (month,) if run.try_number > 1 else ())
    if last is None or last.payload["identity"] != identity:
        # A page that was lost comes back as it was.
        enter_costs(workspace, usecase, month, run)
    asked = questions(usecase, month, _trained_on(serving, span), _delivered(lake, usecase, month))
    answers = _answers(lake, ledger, usecase, asked)
    page = report_page(usecase, month, answers)
    write_page(path, page.html)
    ledger.append(
        run,
        kind="report",
        subject="monthly",
        partition=month,
        decision="ISSUED",
        effective_at=start_of(shift_month(month, 1)),
        payload={
            "path": str(path.relative_to(workspace.settings.pages)),
            "identity": identity,
            "headline": page.headline,
        },
    )
    index = write_index(workspace)
    versions = {
        source.table: answer.versions[name]
        for answer in answers.values()
        for name, source in answer.query.sources.items()
        if source.table != LEDGER
    }
    return Outcome(
        "published",
        page.headline,
        (month,),
        versions,
        details={"path": str(path), "index": str(index), "headline": page.headline},
    )


def report_path(workspace: Workspace, usecase: UseCase, month: str) -> Path:
    """Return where the report of a month is kept."""
    return workspace.pages(usecase, "reports") / f"{month}.html"


def verify_report(workspace: Workspace, usecase: UseCase, month: str) -> list[str]:
    """Return which numbers of an issued report its evidence does not give again; empty where every number stands."""
    lake, ledger = workspace.lake(usecase), workspace.ledger
    page = report_path(workspace, usecase, month).read_text(encoding="utf-8")
    return disagreements(page, lambda source, version: _read(lake, ledger, usecase, source, version))


def _days(usecase: UseCase, month: str) -> list[str]:
    return [day for day in days_of_month(month) if usecase.calendar.holds(day)]


def _trained_on(serving: Deployments, span: Sequence[str]) -> str | None:
    # Where a canary begins the month, its version is what most of the month is served by.
    serves = serving.canary(span[0]) or serving.serves(span[0])
    return None if serves is None else serves.get("trained_on")


def _waiting(
    lake: Lake, ledger: Ledger, usecase: UseCase, *, serving: Deployments, month: str, span: Sequence[str]
) -> str | None:
    """Return what the report has to wait for, None where everything is there."""
    after = shift_month(month, 1)
    if usecase.trains and ledger.last(usecase.name, "promotion", "model", partition=after) is None:
        return f"waiting for the decision on what serves in {after}"
    if serving.is_unserved(span[0]):
        return None
    refused = {
        entry.partition
        for entry in ledger.entries(usecase.name, kind="quality")
        if entry.decision in ("FAIL", "NO_DATA")
    }
    measured = lake.inputs("health", span)
    scored = lake.contents("predictions", span)
    missing = [day for day in span if measured[day] is None and not (day in refused and scored[day] is None)]
    labelled = lake.contents(usecase.label.table, span, final=True)
    awaited = [day for day in span if scored[day] is not None and labelled[day] is None]
    for table, keys in (("health", missing), (usecase.label.table, awaited)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            return f"waiting for {table}[{', '.join(keys[:3])}]{more}"
    return None


def _identity(lake: Lake, ledger: Ledger, usecase: UseCase, month: str, span: Sequence[str]) -> int:
    """Return the identity of everything that the report speaks of."""
    compared = [*_days(usecase, shift_month(month, -1)), *span]
    quarantined = [f"{day}/{dataset.name}" for day in span for dataset in usecase.partitioned_datasets]
    entries = [
        [entry.kind, entry.subject, entry.partition, entry.decision, entry.payload]
        for entry in ledger.entries(usecase.name)
        if entry.kind in _SPOKEN_OF and _is_spoken_of(entry.partition, month)
    ]
    # Records are only ever added: their number by day is the identity of those that are there.
    streamed = [
        [stream.table, stream.lag_limit_minutes, _records(lake, stream, month)]
        for stream in _delivered(lake, usecase, month)
    ]
    return combined_identity(
        {
            "label": lake.contents(usecase.label.table, compared),
            "features": lake.contents(usecase.features.table, compared),
            "predictions": lake.contents("predictions", compared),
            "health": lake.contents("health", span),
            "quarantine": lake.contents("quarantine", quarantined),
            "names": {reference.table: lake.contents(reference.table) for reference in usecase.report.names},
            "ledger": entries,
            "declared": [item.model_dump() for item in (usecase.report, usecase.label, usecase.monitoring)],
            # Without streams a report has the identity that it had before there were any.
            **({"streams": streamed} if streamed else {}),
        }
    )


def _delivered(lake: Lake, usecase: UseCase, month: str) -> list[Stream]:
    """Return the streams that delivered records for a month."""
    return [stream for stream in usecase.streams if _records(lake, stream, month)]


def _records(lake: Lake, stream: Stream, month: str) -> dict[str, int]:
    """Return how many records of a stream there are for each day of a month that has any."""
    return {day: count for day, count in sorted(lake.row_counts(stream.table).items()) if day[:7] == month}


def _is_spoken_of(partition: str, month: str) -> bool:
    return partition[:7] == month or partition == shift_month(month, 1)


def _answers(lake: Lake, ledger: Ledger, usecase: UseCase, asked: Sequence[Query]) -> dict[str, Answer]:
    """Ask every question of the versions that are current now; each table's version is the same for all questions."""
    versions: dict[str, int] = {}
    read: dict[Source, pa.Table] = {}
    answers = {}
    for query in asked:
        for source in query.sources.values():
            if source.table not in versions:
                versions[source.table] = _version(lake, ledger, usecase, source.table)
            if source not in read:
                read[source] = _read(lake, ledger, usecase, source, versions[source.table])
        pinned = {name: versions[source.table] for name, source in query.sources.items()}
        tables = {name: read[source] for name, source in query.sources.items()}
        answers[query.name] = Answer(query, pinned, ask(query, tables))
    return answers


def _version(lake: Lake, ledger: Ledger, usecase: UseCase, table: str) -> int:
    """Return the version to pin: of a table its Delta version, of the ledger the number of the last entry spoken of."""
    if table == LEDGER:
        return max((entry.id for entry in ledger.entries(usecase.name) if entry.kind in _CITED), default=0)
    version = lake.version(table)
    # A table that nobody has written yet has no version; it reads as empty, then and later.
    return -1 if version is None else version


def _read(lake: Lake, ledger: Ledger, usecase: UseCase, source: Source, version: int) -> pa.Table:
    """Return the rows of a source at a pinned version."""
    if source.table == LEDGER:
        return _ledger_rows(ledger, usecase, version)
    within = days(source.first, source.last) if source.first is not None and source.last is not None else None
    if version < 0:
        return lake.read(source.table, [], columns=source.columns)
    if source.table in {stream.table for stream in usecase.streams}:
        return EventTable(lake, source.table).as_of(version, within or (), source.columns)
    return lake.read(source.table, within, columns=source.columns, version=version)


def _ledger_rows(ledger: Ledger, usecase: UseCase, last: int) -> pa.Table:
    entries = [entry for entry in ledger.entries(usecase.name) if entry.id <= last and entry.kind in _CITED]
    columns: dict[str, list[Any]] = {
        "id": [entry.id for entry in entries],
        "kind": [entry.kind for entry in entries],
        "subject": [entry.subject for entry in entries],
        "partition": [entry.partition for entry in entries],
        "decision": [entry.decision for entry in entries],
        "payload": [json.dumps(entry.payload, sort_keys=True) for entry in entries],
    }
    types = {"id": pa.int64()}
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})
