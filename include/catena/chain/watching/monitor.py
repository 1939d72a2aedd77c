"""The monitor link: finds the days to measure, writes their health, raises alerts.

What is measured of a day belongs in `catena.chain.watching.measuring`, the measures themselves in `catena.monitoring`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import pyarrow as pa

from catena.chain.deploying.deployments import Deployments
from catena.chain.readiness import Need, Settlement, settle
from catena.chain.scoring.scored_days import ScoredDays
from catena.chain.training.recipes import columns_of_version
from catena.chain.watching.challenge import SHADOW, tried, verdicts
from catena.chain.watching.measuring import Day, measured, watched
from catena.declaration import UseCase
from catena.governance import Ledger
from catena.lake import Lake, identity_of
from catena.partitions import days_of, shift_day, start_of
from catena.run import Outcome, Run
from catena.workspace import Workspace

_MISSING_FROM_SOURCE = {"FAIL", "NO_DATA"}


def monitor_partition(workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
    """Measure the due days of a day or month, and every later day whose trailing window they changed, in one pass.

    Days on which nothing served yet are measured for what they delivered; nobody waits for their predictions. A scored
    day does not wait for its labels: it is measured by what the scores tell, and again once the labels are final.
    """
    lake, serving = workspace.lake(usecase), Deployments(workspace.ledger, usecase)
    facts: dict[str, dict[str, Any]] = {}
    wanted = [day for day in days_of(key) if usecase.calendar.holds(day)]
    if not wanted:
        return Outcome("skipped", f"{key} lies outside the calendar of the use case")
    settlement = _settle(
        lake,
        usecase,
        wanted,
        besides=_besides(workspace.ledger, usecase, ScoredDays(lake, serving), facts),
        serving=serving,
        ledger=workspace.ledger,
    )
    if not settlement.due:
        return _nothing_due(settlement, run)
    due = sorted(settlement.due)
    window = usecase.monitoring.trailing_days
    reach = sorted({shift_day(key, -back) for key in due for back in range(window)})
    reach = [key for key in reach if key >= usecase.calendar.first]
    versions = {name: lake.version(name) for name in _tables(usecase)}
    taken = cache(partial(columns_of_version, workspace.ledger, usecase))
    seen = watched(lake, usecase, reach, due, taken)
    found = {key: measured(lake, usecase, seen, key, facts[key]) for key in due}
    written = lake.overwrite(
        "health",
        pa.concat_tables([found[key].rows for key in due]),
        run=run,
        partitions=due,
        inputs=settlement.due,
        input_versions=versions,
    )
    for day in due:
        _record(workspace.ledger, usecase, run, day, found[day])
    tries = [(day, facts[day].get("tried"), found[day].gain) for day in due]
    workspace.ledger.append_all(run, verdicts(usecase, tries))
    raised = {key: [alert.subject for alert in found[key].alerts] for key in due if found[key].alerts}
    kept = settlement.current if run.try_number > 1 else ()
    return Outcome(
        "published",
        f"measured {len(due)} days, {len(raised)} with alerts",
        tuple(sorted({*due, *kept})),
        {"health": written.version},
        details={"alerts": raised, "days": len(due)},
    )


def _nothing_due(settlement: Settlement, run: Run) -> Outcome:
    if settlement.waiting and not settlement.current:
        return Outcome("skipped", settlement.waiting)
    current = settlement.current if run.try_number > 1 else ()
    return Outcome("unchanged", settlement.waiting or "measured from the same inputs already", current)


def _tables(usecase: UseCase) -> tuple[str, ...]:
    beside = (SHADOW,) if usecase.serving.is_compared else ()
    return (usecase.label.table, "predictions", usecase.features.table, *beside)


def _settle(
    lake: Lake, usecase: UseCase, wanted: Sequence[str], *, besides: Any, serving: Deployments, ledger: Ledger
) -> Settlement:
    back = 1 - usecase.monitoring.trailing_days
    decided = _decided_absent(lake, usecase, serving, ledger)
    return settle(
        lake,
        usecase.calendar,
        wanted=wanted,
        output="health",
        spine=usecase.label.table,
        needs=[Need(name, back, 0, is_final=name == usecase.label.table) for name in _tables(usecase)],
        besides=besides,
        is_decided=decided,
    )


def _decided_absent(lake: Lake, usecase: UseCase, serving: Deployments, ledger: Ledger) -> Any:
    """Return the rule by which nobody waits for an absent partition: it stays absent, or is a scored day's labels."""
    delivered = {clean.table: dataset.name for dataset in usecase.datasets for clean in dataset.clean}
    missing = {
        (entry.subject, entry.partition)
        for entry in ledger.entries(usecase.name, kind="quality")
        if entry.decision in _MISSING_FROM_SOURCE
    }

    @cache
    def is_scored(day: str) -> bool:
        return lake.contents("predictions", [day])[day] is not None

    def is_decided(table: str, day: str) -> bool:
        if table == SHADOW:
            # Written before what is served: where that is there, no shadow follows.
            return True
        derived = table in ("predictions", usecase.features.table)
        if derived and serving.is_unserved(day):
            return True
        if table == usecase.label.table and is_scored(day):
            return True
        dataset = delivered.get(usecase.features.spine_table if derived else table)
        return (dataset, day) in missing

    return is_decided


def _besides(ledger: Ledger, usecase: UseCase, scored: ScoredDays, facts: dict[str, dict[str, Any]]) -> Any:
    """Return what else decides a day: what served, the day's row accounting, the declared limits."""
    said = [usecase.monitoring.model_dump(), usecase.label.model_dump(), usecase.model.model_dump()]
    if usecase.serving.is_compared:
        said += [usecase.serving.model_dump(), usecase.gate.model_dump()]
    declared = identity_of(said)

    def besides(day: str) -> Mapping[str, Any] | None:
        if scored.is_stale(day):
            return None
        accounting = {}
        for entry in ledger.entries(usecase.name, kind="quality", partition=day):
            if entry.payload.get("rows_in") is not None:
                accounting[entry.subject] = (entry.payload["rows_in"], entry.payload.get("rows_quarantined", 0))
        facts[day] = {"serves": scored.serves(day), "accounting": accounting}
        if usecase.serving.is_compared:
            facts[day]["tried"] = tried(scored.deployments, day)
        return facts[day] | {"declared": declared}

    return besides


def _record(ledger: Ledger, usecase: UseCase, run: Run, day: str, found: Day) -> None:
    """Write each alert to the ledger, and clear those of the day that no longer hold."""
    raised = {alert.subject: alert for alert in found.alerts}
    effective_at = start_of(shift_day(day, 1))
    before = {entry.subject: entry.decision for entry in ledger.entries(usecase.name, kind="health", partition=day)}
    for subject, alert in sorted(raised.items()):
        ledger.append(
            run,
            kind="health",
            subject=subject,
            partition=day,
            decision="ALERT",
            effective_at=effective_at,
            payload={
                "value": alert.measure.value,
                "rows": alert.measure.rows,
                "reason": alert.reason,
                "window_days": alert.measure.window_days,
                "model_version": found.version,
            },
        )
    for subject in sorted(set(before) - set(raised)):
        if before[subject] == "ALERT":
            ledger.append(
                run,
                kind="health",
                subject=subject,
                partition=day,
                decision="CLEARED",
                effective_at=effective_at,
                payload={"reason": "Measured again within the limits."},
            )
