"""The link `explore`: profiles tables over a period as one page, and enters in the ledger whether features leak.

What the page says belongs in `catena.reports.exploration`; what it asks, and what an alarm is, in `catena.insights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from catena.chain.featuring.features import current_days, decided_absent, made_again
from catena.chain.pages import write_index, write_page
from catena.chain.training.snapshots import open_snapshot
from catena.declaration import Table, UseCase
from catena.features import lake_columns
from catena.governance import Ledger
from catena.insights import Query, Source, ask
from catena.insights.alarms import Check, checks
from catena.insights.exploration import Span, explorable, questions, rebuilt, span_of
from catena.lake import WHOLE, Lake, combined_identity
from catena.partitions import MONTH, days, days_of_period, shift_day, start_of
from catena.reports import Answer, disagreements
from catena.reports.exploration import exploration_page
from catena.run import Outcome, Run
from catena.workspace import Workspace

# Days of a period whose features are made again: each reads its inputs' whole reach.
_REBUILT = 3
_REBUILT_PREFIX, _SNAPSHOT_PREFIX = "rebuilt/", "snapshot/"
MEANING = 1
"""Raised when the same rows give other answers, so that pages are made anew."""


class UnknownTable(ValueError):
    """A table that cannot be explored."""


def explore(workspace: Workspace, usecase: UseCase, period: str, run: Run, tables: Sequence[str] = ()) -> Outcome:
    """Explore a period: a month, or a range of days as `2013-02-05..2013-02-20`.

    Waits until every day of the period stands in each table, or is known not to come. The same inputs again write
    nothing.

    Args:
        tables: tables by name; none: all clean and reference tables, and the features. Leakage is looked for with the
            feature table.

    Raises:
        UnknownTable: naming it, and those that there are.
        InvalidPartition: the period is no month and no range of days.
    """
    lake, ledger = workspace.lake(usecase), workspace.ledger
    within = [day for day in days_of_period(period) if usecase.calendar.holds(day)]
    if not within:
        return Outcome("skipped", f"{period} lies outside the calendar of the use case")
    chosen = _chosen(usecase, tables)
    if waiting := _waiting(lake, ledger, usecase, chosen, within):
        return Outcome("skipped", waiting)
    span = span_of(usecase, within[0], within[-1])
    snapshot = _snapshot(ledger, usecase, period)
    identity = _identity(lake, usecase, chosen, span, snapshot)
    subject, path = _subject(tables), exploration_path(workspace, usecase, period, tables)
    last = ledger.last(usecase.name, "exploration", subject, partition=period)
    if last is not None and last.payload["identity"] == str(identity) and path.exists():
        return Outcome(
            "unchanged", f"explored already: {last.payload['headline']}", (period,) if run.try_number > 1 else (),
            details={"path": str(path), "verdict": last.decision, "checks": last.payload["checks"]},
        )  # fmt: skip
    answers = _answers(workspace, usecase, _asked(workspace, usecase, span, chosen, snapshot))
    found = checks({name: answer.rows for name, answer in answers.items()}, usecase.exploration)
    leaks = found if usecase.features.table in {table.name for table in chosen} else []
    page = exploration_page(usecase, period, chosen, answers, leaks)
    write_page(path, page.html)
    _enter(ledger, run, (subject, period, within[-1]), leaks, {
        "path": str(path.relative_to(workspace.settings.pages)), "identity": str(identity), "headline": page.headline,
        "tables": [table.name for table in chosen],
    })  # fmt: skip
    index = write_index(workspace)
    versions = {source.table: answer.versions[name] for answer in answers.values()
                for name, source in answer.query.sources.items() if "/" not in source.table}  # fmt: skip
    details = {"path": str(path), "index": str(index), "headline": page.headline, "verdict": _verdict(leaks),
               "checks": [check.as_dict() for check in leaks]}  # fmt: skip
    return Outcome("published", page.headline, (period,), versions, details=details)


def exploration_path(workspace: Workspace, usecase: UseCase, period: str, tables: Sequence[str] = ()) -> Path:
    """Return where the page of a period is kept; that of chosen tables lies beside the whole one."""
    return workspace.pages(usecase, "explorations") / f"{'.'.join([period, *sorted(set(tables))])}.html"


def verify_exploration(workspace: Workspace, usecase: UseCase, period: str, tables: Sequence[str] = ()) -> list[str]:
    """Return which numbers of a page its evidence does not give again; empty where every number stands."""
    page = exploration_path(workspace, usecase, period, tables).read_text(encoding="utf-8")
    return disagreements(page, lambda source, version: _read(workspace, usecase, source, version))


def _subject(tables: Sequence[str]) -> str:
    return ":".join(["profile", *sorted(set(tables))])


def _verdict(leaks: Sequence[Check]) -> str:
    """Return ALARM; CLEAR after every check, PARTIAL after some of them; PROFILED where leakage was not looked for."""
    if any(check.alarms for check in leaks):
        return "ALARM"
    made = [check for check in leaks if check.checked]
    if not made:
        return "PROFILED"
    return "CLEAR" if len(made) == len(leaks) else "PARTIAL"


def _enter(
    ledger: Ledger, run: Run, about: tuple[str, str, str], leaks: Sequence[Check], said: dict[str, object]
) -> None:
    subject, period, last = about
    alarms = [alarm for check in leaks for alarm in check.alarms]
    payload = {
        **said,
        "reasons": [f"{alarm.subject} {alarm.reason}" for alarm in alarms],
        "checks": [check.as_dict() for check in leaks],
    }
    ledger.append(
        run, kind="exploration", subject=subject, partition=period, decision=_verdict(leaks),
        effective_at=start_of(shift_day(last, 1)), payload=payload,
    )  # fmt: skip


def _chosen(usecase: UseCase, tables: Sequence[str]) -> list[Table]:
    there = {table.name: table for table in explorable(usecase)}
    if unknown := sorted(set(tables) - set(there)):
        raise UnknownTable(f"use case {usecase.name} has no table {', '.join(unknown)} to explore; it has: "
                           f"{', '.join(there)}")  # fmt: skip
    return [table for name, table in there.items() if not tables or name in tables]


def _waiting(
    lake: Lake, ledger: Ledger, usecase: UseCase, chosen: Sequence[Table], within: Sequence[str]
) -> str | None:
    """Return which days of which table are not there yet, None where all are or are known not to come."""
    is_absent = decided_absent(usecase, ledger)
    missing = []
    for table in chosen:
        if table.is_partitioned:
            contents = lake.contents(table.name, within)
            missing += [f"{table.name}[{day}]" for day in within
                        if contents[day] is None and not is_absent(table.name, day)]  # fmt: skip
    if not missing:
        return None
    return f"waiting for {', '.join(missing[:3])}{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}"


def _snapshot(ledger: Ledger, usecase: UseCase, period: str) -> str | None:
    """Return the training set that was last taken for a month."""
    if not MONTH.fullmatch(period):
        return None
    taken = [entry for entry in ledger.entries(usecase.name, kind="dataset") if entry.partition == period]
    return taken[-1].subject if taken else None


def _identity(lake: Lake, usecase: UseCase, chosen: Sequence[Table], span: Span, snapshot: str | None) -> int:
    """Return the identity of everything that the page is made from."""
    names = {table.name for table in chosen}
    if usecase.features.table in names:
        # The label, and the columns that are known later.
        names |= {table.name for table in explorable(usecase)}
    read = days(span.read_from, span.last)
    contents = {
        name: lake.contents(name, read if usecase.table(name).is_partitioned else (WHOLE,)) for name in sorted(names)
    }
    declared = [usecase.exploration.model_dump(), usecase.model.model_dump(), usecase.label.model_dump(),
                usecase.features.model_dump(), usecase.sql(usecase.features.sql),
                [usecase.table(name).model_dump() for name in sorted(names)],
                usecase.monitoring.maximum_psi]  # fmt: skip
    # From which inputs features were made decides whether they can be made again and compared.
    made_from = lake.inputs(usecase.features.table, read) if usecase.features.table in names else {}
    return combined_identity(
        {
            "meaning": MEANING,
            "tables": contents,
            "made_from": made_from,
            "declared": declared,
            "snapshot": snapshot,
            "span": [span.first, span.last],
            "chosen": [table.name for table in chosen],
        }
    )


def _asked(
    workspace: Workspace, usecase: UseCase, span: Span, chosen: Sequence[Table], snapshot: str | None
) -> list[Query]:
    lake = workspace.lake(usecase)
    asked = questions(usecase, span, chosen, snapshot)
    if usecase.features.table not in {table.name for table in chosen}:
        return asked
    every = days(span.first, span.last)
    spread = dict.fromkeys(every[round(step * (len(every) - 1) / (_REBUILT - 1))] for step in range(_REBUILT))
    current = current_days(lake, usecase, list(spread), workspace.ledger)
    if not current:
        return asked
    read = lake_columns(usecase.features, {table.name: table for table in usecase.tables})
    # Its days and the versions of its inputs stand in its name: a source has one version and one range.
    pinned = ",".join(f"{name}={_version(lake, name)}" for name in read)
    columns = tuple(column.name for column in usecase.table(usecase.features.table).columns)
    source = Source(f"{_REBUILT_PREFIX}{'+'.join(current)}/{pinned}", columns)
    return [*asked, rebuilt(usecase, span, source, current)]


def _answers(workspace: Workspace, usecase: UseCase, asked: Sequence[Query]) -> dict[str, Answer]:
    """Ask every question of the versions that are current now; each table is read once, at one version."""
    lake = workspace.lake(usecase)
    sources = [source for query in asked for source in query.sources.values()]
    wide = {name: _widest([each for each in sources if each.table == name]) for name in {s.table for s in sources}}
    versions = {name: 0 if "/" in name else _version(lake, name) for name in wide}
    rows = {name: _read(workspace, usecase, source, versions[name]) for name, source in sorted(wide.items())}
    answers = {}
    for query in asked:
        pinned = {name: versions[source.table] for name, source in query.sources.items()}
        tables = {name: _part(rows[source.table], source) for name, source in query.sources.items()}
        answers[query.name] = Answer(query, pinned, ask(query, tables))
    return answers


def _widest(sources: Sequence[Source]) -> Source:
    """Return one source that holds the columns and partitions of all of one table."""
    columns = tuple(dict.fromkeys(column for source in sources for column in source.columns))
    firsts = [source.first for source in sources if source.first is not None]
    lasts = [source.last for source in sources if source.last is not None]
    return Source(sources[0].table, columns, min(firsts, default=None), max(lasts, default=None))


def _part(rows: pa.Table, source: Source) -> pa.Table:
    """Return the columns and partitions of a source from those of the widest one, in their order."""
    if source.first is not None and "partition" in rows.column_names:
        at_least = pc.greater_equal(rows["partition"], source.first)
        rows = rows.filter(pc.and_(at_least, pc.less_equal(rows["partition"], source.last)))
    return rows.select(list(source.columns))


def _version(lake: Lake, table: str) -> int:
    """Return the version to pin; -1 of a table that nobody has written yet, which then and later reads as empty."""
    version = lake.version(table)
    return -1 if version is None else version


def _read(workspace: Workspace, usecase: UseCase, source: Source, version: int) -> pa.Table:
    """Return the rows of a source at a pinned version."""
    lake = workspace.lake(usecase)
    if source.table.startswith(_SNAPSHOT_PREFIX):
        return _split_rows(workspace, usecase, source)
    if source.table.startswith(_REBUILT_PREFIX):
        made, versions = _pinned(source.table)
        return made_again(lake, usecase, made, versions).select(list(source.columns))
    within = days(source.first, source.last) if source.first is not None and source.last is not None else None
    if version < 0:
        return lake.read(source.table, [], columns=source.columns)
    return lake.read(source.table, within, columns=source.columns, version=version)


def _pinned(table: str) -> tuple[list[str], dict[str, int]]:
    """Return the days and the versions that the name of features made again says."""
    made, _, versions = table.removeprefix(_REBUILT_PREFIX).partition("/")
    pairs = (item.split("=") for item in versions.split(","))
    return made.split("+"), {name: int(version) for name, version in pairs}


def _split_rows(workspace: Workspace, usecase: UseCase, source: Source) -> pa.Table:
    """Return the rows of a training set, each with its part; instants are UTC without saying so."""
    name = source.table.removeprefix(_SNAPSHOT_PREFIX)
    data = open_snapshot(workspace.lake(usecase), workspace.ledger, usecase, name).data
    parts = [
        pa.table({
            "part": pa.repeat(pa.scalar(part), len(rows)),
            **{column: pa.array(rows[column], pa.string()) for column in ("partition", "entity")},
            **{column: pa.array(rows[column].dt.tz_convert(None).to_numpy(), pa.timestamp("us"))
               for column in ("decision_at", "label_known_at")},
        })
        for part, rows in data.parts.items()
    ]  # fmt: skip
    return pa.concat_tables(parts).select(list(source.columns))
