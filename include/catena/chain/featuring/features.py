"""The link `features`: reads the partitions that a feature view needs, and commits the features of all due days.

How features are computed belongs in `catena.features`; which days are due, in `catena.chain.readiness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pyarrow as pa
from sqlalchemy import text

from catena.chain.readiness import Need, Settlement, settle
from catena.declaration import UseCase
from catena.features import compute_features, lake_columns
from catena.governance import Ledger
from catena.lake import Lake, identity_of
from catena.partitions import shift_day
from catena.run import Outcome, Run
from catena.workspace import Workspace

ABSENT = frozenset({"FAIL", "NO_DATA"})
"""Verdicts after which a day's table will not come."""
MEANING = 1
"""Raised when the runner gives the same SQL another meaning, so that features are made anew."""


def build_features(workspace: Workspace, usecase: UseCase, day: str, run: Run) -> Outcome:
    """Make the features of a day and of every later day in reach that is due, in one pass and one commit.

    A day whose spine is known to stay absent gets a partition without rows, so that nobody waits for it.

    Args:
        day: the day to which something happened.
        run: who runs.

    Raises:
        FutureExposed: the declaration or a row reaches beyond the decision.
    """
    lake, view = workspace.lake(usecase), usecase.features
    with _one_at_a_time(workspace, usecase):
        settlement = _settle(lake, usecase, day, workspace.ledger)
        if not settlement.due:
            return _nothing_due(settlement, run)
        due = sorted(settlement.due)
        tables = {table.name: table for table in usecase.tables}
        versions = {name: lake.version(name) for name in lake_columns(view, tables)}
        features = compute_features(
            view, sql=usecase.sql(view.sql), tables=tables, rows=input_rows(lake, usecase, due), partitions=due
        )
        written = lake.overwrite(
            view.table, features, run=run, partitions=due, inputs=settlement.due, input_versions=versions
        )
    kept = settlement.current if run.try_number > 1 else ()
    return Outcome(
        "published",
        f"made {features.num_rows} rows of features for {len(due)} days, {due[0]} to {due[-1]}",
        tuple(sorted({*due, *kept})),
        {view.table: written.version},
        details={"rows": features.num_rows, "days": len(due), "waiting": settlement.waiting},
    )


@contextmanager
def _one_at_a_time(workspace: Workspace, usecase: UseCase) -> Iterator[None]:
    """Let runs of the link take turns: each makes all days that are due, so that those behind it find nothing to do."""
    key = identity_of(["features", usecase.name])
    with workspace.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield


def _nothing_due(settlement: Settlement, run: Run) -> Outcome:
    if settlement.waiting and not settlement.current:
        return Outcome("skipped", settlement.waiting)
    current = settlement.current if run.try_number > 1 else ()
    return Outcome("unchanged", settlement.waiting or "made from the same inputs already", current)


def _lookbacks(usecase: UseCase) -> dict[str, int | None]:
    """Return for each table that is read how many earlier days; None for reference data, read whole."""
    view = usecase.features
    reach: dict[str, int | None] = {view.spine_table: 0}
    for item in view.inputs:
        before = reach.get(item.table, 0)
        reach[item.table] = None if item.cut == "static" or before is None else max(before, item.lookback_days)
    return reach


def _settle(lake: Lake, usecase: UseCase, day: str, ledger: Ledger) -> Settlement:
    view = usecase.features
    declared = {
        "view": view.model_dump(),
        "sql": usecase.sql(view.sql),
        "columns": [(column.name, column.type) for column in usecase.table(view.table).columns],
        "meaning": MEANING,
    }
    besides: Mapping[str, Any] = {"declared": identity_of(declared)}
    return settle(
        lake,
        usecase.calendar,
        wanted=[day],
        output=view.table,
        spine=view.spine_table,
        needs=[Need(table, None if back is None else -back, 0) for table, back in _lookbacks(usecase).items()],
        besides=lambda _: besides,
        is_decided=decided_absent(usecase, ledger),
    )


def decided_absent(usecase: UseCase, ledger: Ledger) -> Callable[[str, str], bool]:
    """Return the rule by which an absent partition is known to stay absent: the last verdict on its dataset."""
    delivered = {clean.table: dataset.name for dataset in usecase.partitioned_datasets for clean in dataset.clean}

    @cache
    def is_absent(dataset: str, day: str) -> bool:
        verdict = ledger.last(usecase.name, "quality", dataset, partition=day)
        return verdict is not None and verdict.decision in ABSENT

    return lambda table, day: table in delivered and is_absent(delivered[table], day)


def current_days(lake: Lake, usecase: UseCase, days: Sequence[str], ledger: Ledger) -> list[str]:
    """Return the days among some whose features stand as their inputs and SQL are now."""
    return [day for day in days if day in _settle(lake, usecase, day, ledger).current]


def made_again(lake: Lake, usecase: UseCase, days: Sequence[str], versions: Mapping[str, int]) -> pa.Table:
    """Return the features of days as they come out of pinned input tables; nothing is written."""
    tables, view = {table.name: table for table in usecase.tables}, usecase.features
    rows = input_rows(lake, usecase, list(days), versions)
    return compute_features(view, sql=usecase.sql(view.sql), tables=tables, rows=rows, partitions=list(days))


def input_rows(
    lake: Lake, usecase: UseCase, due: Sequence[str], versions: Mapping[str, int] | None = None
) -> dict[str, pa.Table]:
    """Return each table's columns and partitions that the features of some days need, each table read once."""
    lookbacks, tables = _lookbacks(usecase), {table.name: table for table in usecase.tables}
    rows = {}
    for name, columns in lake_columns(usecase.features, tables).items():
        back = lookbacks[name]
        partitions = None if back is None else sorted({shift_day(day, -n) for day in due for n in range(back + 1)})
        rows[name] = lake.read(name, partitions, columns=columns, version=versions[name] if versions else None)
    return rows
