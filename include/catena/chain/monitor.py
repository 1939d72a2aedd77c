"""The monitor link: joins predictions with what happened, measures the day and its trailing window, raises alerts.

The measures themselves belong in `catena.monitoring`.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from catena import monitoring as watch
from catena.arrow_sql import sql_over
from catena.chain.challenge import SHADOW, SHADOW_COLUMNS, compared, tried, verdicts
from catena.chain.deployments import Deployments
from catena.chain.readiness import Need, Settlement, settle
from catena.chain.scored_days import ScoredDays
from catena.declaration import UseCase
from catena.governance import Ledger
from catena.lake import Lake, identity_of
from catena.modeling.bootstrap import Interval
from catena.partitions import days_of, last_day_of, shift_day, start_of
from catena.run import Outcome, Run
from catena.workspace import Workspace

_MISSING_FROM_SOURCE = {"FAIL", "NO_DATA"}
# One row for each entity that was scored (current revision) or has an outcome.
_JOIN = """
WITH current AS (
    SELECT partition, entity, score, model_version FROM predictions
    QUALIFY revision = max(revision) OVER (PARTITION BY partition)
)
SELECT coalesce(current.partition, label_rows.partition) AS partition,
       coalesce(current.entity, label_rows.entity) AS entity,
       CAST(label_rows.label AS DOUBLE) AS label, label_rows.known_at, current.score, current.model_version,
       shadow.score AS shadow_score, shadow.model_version AS shadow_version, {features}
FROM current
LEFT JOIN shadow ON shadow.partition = current.partition AND shadow.entity = current.entity
FULL JOIN label_rows ON current.partition = label_rows.partition AND current.entity = label_rows.entity
LEFT JOIN features ON features.partition = current.partition AND features.entity = current.entity
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class _Day:
    """What one day came to."""

    rows: pa.Table
    measures: list[watch.Measure]
    alerts: list[watch.Alert]
    gain: Interval | None = None


def monitor_partition(workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
    """Measure the due days of a day or month, and every later day whose trailing window they changed, in one pass.

    Days on which nothing served yet are measured for what they delivered; nobody waits for their predictions.
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
    frame = _joined(lake, usecase, reach)
    found = {key: _measure(lake, usecase, frame, key, facts[key]) for key in due}
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
    decided = _decided_absent(usecase, serving, ledger)
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


def _decided_absent(usecase: UseCase, serving: Deployments, ledger: Ledger) -> Any:
    """Return the rule by which an absent partition is known to stay absent."""
    delivered = {clean.table: dataset.name for dataset in usecase.datasets for clean in dataset.clean}
    missing = {
        (entry.subject, entry.partition)
        for entry in ledger.entries(usecase.name, kind="quality")
        if entry.decision in _MISSING_FROM_SOURCE
    }

    def is_decided(table: str, day: str) -> bool:
        if table == SHADOW:
            # Written before what is served: where that is there, no shadow follows.
            return True
        derived = table in ("predictions", usecase.features.table)
        if derived and serving.is_unserved(day):
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


def _joined(lake: Lake, usecase: UseCase, reach: Sequence[str]) -> pd.DataFrame:
    """Return one row for each entity of the days: label, score and features."""
    label = usecase.label
    scored = ["partition", "entity", "revision", "score", "model_version"]
    tables = {
        "outcomes_raw": lake.read(label.table, reach),
        "predictions": lake.read("predictions", reach, columns=scored),
        "features": lake.read(usecase.features.table, reach, columns=_feature_columns(usecase)),
        "shadow": lake.read(SHADOW, reach if usecase.serving.is_compared else [], columns=SHADOW_COLUMNS),
    }
    with sql_over(tables) as connection:
        connection.execute(
            f"CREATE TEMP VIEW label_rows AS SELECT partition, CAST({label.entity} AS VARCHAR) AS entity, "
            f"({label.expression}) AS label, {label.known_at} AS known_at FROM outcomes_raw"
        )
        features = ", ".join(f"features.{name}" for name in _measured_columns(usecase))
        joined: pd.DataFrame = connection.sql(_JOIN.format(features=features)).to_arrow_table().to_pandas()
    return joined


def _measured_columns(usecase: UseCase) -> list[str]:
    return list(dict.fromkeys((*usecase.model.features, *usecase.model.slices)))


def _feature_columns(usecase: UseCase) -> list[str]:
    return list(dict.fromkeys(("partition", "entity", *_measured_columns(usecase))))


def _measure(lake: Lake, usecase: UseCase, frame: pd.DataFrame, day: str, facts: Mapping[str, Any]) -> _Day:
    model, declared = usecase.model, usecase.monitoring
    low, start, high = frame["partition"].searchsorted(
        [shift_day(day, 1 - declared.trailing_days), day, shift_day(day, 1)]
    )
    today = frame.iloc[start:high]
    scored = frame.iloc[low:high]
    scored = scored[scored["score"].notna()]
    scored_today = scored[scored["partition"] == day]
    known = today["known_at"].dropna()
    newest: datetime | None = None if known.empty else known.max().to_pydatetime()
    found = watch.volumes(len(today), len(scored_today), 1)
    found += watch.quarantine_rates(facts["accounting"])
    found += watch.freshness(day, usecase.timezone, newest, len(today))
    version, gain = "none", None
    if len(scored_today):
        # With a canary two versions scored the day: it counts as that of the one it takes its keys from.
        version = str((facts["serves"] or scored_today.iloc[0])["model_version"])
        found += watch.null_rates(scored_today, model.features)
        found += watch.performance(scored_today, model.kind, 1, model.slices)
        if declared.trailing_days > 1:
            found += watch.performance(scored, model.kind, declared.trailing_days, model.slices)
        if (guard := declared.guard) is not None:
            recent = scored[scored["partition"] > shift_day(day, -guard.window_days)]
            found += watch.guarded(recent, model.kind, guard, version)
        reference = _references(lake, usecase, (facts["serves"] or {}).get("trained_on"))
        found += watch.feature_drift(scored, reference, declared.trailing_days)
        found += watch.score_drift(scored, day, declared.trailing_days)
        if (of := facts.get("tried")) is not None:
            gain = compared(usecase, scored, of)
            found += watch.gain_measures(gain, declared.trailing_days, of["kind"], of["challenger"])
    raised = watch.alerts(found, declared)
    return _Day(watch.health_rows(day, version, found, raised), found, raised, gain)


_REFERENCES: dict[tuple[str, int], dict[str, watch.Reference]] = {}


def _references(lake: Lake, usecase: UseCase, trained_on: str | None) -> dict[str, watch.Reference]:
    """Return the distribution of each feature in the serving model's training window, kept for this process."""
    if trained_on is None:
        return {}
    features = usecase.features.table
    sample = watch.reference_days(usecase.calendar.first, last_day_of(trained_on))
    key = (lake.uri(features), identity_of([usecase.model.model_dump(), lake.contents(features, sample)]))
    if key not in _REFERENCES:
        rows = lake.read(features, sample, columns=list(usecase.model.features)).to_pandas()
        _REFERENCES[key] = watch.references(rows, usecase.model.numeric, usecase.model.categorical)
    return _REFERENCES[key]


def _record(ledger: Ledger, usecase: UseCase, run: Run, day: str, found: _Day) -> None:
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
                "model_version": _version(found),
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


def _version(found: _Day) -> str:
    return str(found.rows["model_version"][0].as_py())
