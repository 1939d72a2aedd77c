"""The scoring link: scores days with what serves on them, appends a revision to the lake, then publishes it.

How a frame is scored and how rows are published belongs in `catena.serving`, who scores which row in
`catena.chain.scoring.sides`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catena.chain.deciding.approval import open_question
from catena.chain.deploying.deployments import Deployments, Serves
from catena.chain.exclusive import exclusively
from catena.chain.readiness import Need, Settlement, settle, until_settled
from catena.chain.scoring.sides import Assignment, Said, sides_of
from catena.chain.training.recipes import model_of_version
from catena.chain.training.training_data import feature_columns, open_registry
from catena.declaration import Model, UseCase
from catena.lake import PREDICTIONS, Lake, arrow_schema, identity_of
from catena.partitions import days_of, month_of
from catena.registry.trusted_types import trusted_types
from catena.run import Accounting, Outcome, Run
from catena.serving.publish import create_tables, publish_partition, published_contents
from catena.workspace import Workspace

_TABLE, _SHADOW = "predictions", "shadow_predictions"
# What makes a prediction another one; the rest says who made it when.
_SAID = ("entity", "decision_at", "score", "model_version", "model_role")


def score_partition(workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
    """Score the due days of a day or month key, if it is decided what serves in the month, in one pass."""
    wanted = [day for day in days_of(key) if usecase.calendar.holds(day)]
    return _score(workspace, usecase, wanted, key[: len("2013-01")], run)


def _score(workspace: Workspace, usecase: UseCase, wanted: Sequence[str], month: str, run: Run) -> Outcome:
    """Score the days of one month that are due, and publish those that are scored but not published."""
    with exclusively(workspace.engine, *((usecase.name, "score", day) for day in wanted)):
        return until_settled(lambda: _score_once(workspace, usecase, wanted, month, run))


def _score_once(workspace: Workspace, usecase: UseCase, wanted: Sequence[str], month: str, run: Run) -> Outcome:
    lake = workspace.lake(usecase)
    deployments = Deployments(workspace.ledger, usecase)
    assigned = {
        day: Assignment(serves, deployments.trial(day))
        for day in wanted
        if (serves := deployments.serves(day)) is not None
    }
    if not deployments.is_decided(month) or (wanted and not assigned):
        day = wanted[0] if wanted else f"{month}-01"
        return Outcome("skipped", _why_nothing_serves(workspace, usecase, deployments, day))
    if not wanted:
        return Outcome("skipped", "no day lies in the calendar")
    settlement = _settled(lake, usecase, wanted, deployments)
    due, current = settlement.due, list(settlement.current)
    made = _score_days(workspace, usecase, due, assigned, run) if due else _Made()
    published = _publish(workspace, usecase, lake, sorted({*due, *current}))
    changed = tuple(sorted({*made.changed, *published}))
    if changed:
        kept = current if run.try_number > 1 else []
        by = _versions(assigned, changed)
        said = "; ".join((f"{len(changed)} days scored by {_named(by)}", *made.faults))
        return Outcome(
            "published", said, tuple(sorted({*changed, *kept})), made.versions,
            details={"serves": by[-1], "versions": [serves["model_version"] for serves in by], "days": len(changed)},
        )  # fmt: skip
    done = tuple(sorted({*due, *current}))
    if done:
        kept_days = done if run.try_number > 1 else ()
        by = _versions(assigned, done)
        return Outcome("unchanged", f"scored by {_named(by)} from the same features already", kept_days)
    return Outcome("skipped", settlement.waiting or "nothing to score")


def _why_nothing_serves(workspace: Workspace, usecase: UseCase, deployments: Deployments, day: str) -> str:
    month = month_of(day)
    if month == month_of(usecase.calendar.first):
        return "first training period, nothing serves yet"
    if deployments.is_unserved(day):
        return f"nothing serves in {month}: there was nothing to train on"
    question = open_question(workspace.ledger, usecase)
    asked = f", while {question.month} waits for approval: `catena approvals list`" if question else ""
    return f"waiting for the decision on what serves in {month}{asked}"


def _settled(lake: Lake, usecase: UseCase, wanted: Sequence[str], deployments: Deployments) -> Settlement:
    features = usecase.features.table

    def besides(day: str) -> Mapping[str, Any] | None:
        if (serves := deployments.serves(day)) is None:
            return None
        facts: dict[str, Any] = {name: serves[name] for name in ("model_version", "sha256", "role")}
        if usecase.serving.is_compared:
            trial = deployments.trial(day)
            facts["trial"] = None if trial is None else trial.facts()
        return facts

    return settle(
        lake, usecase.calendar, wanted=wanted, output=_TABLE, spine=features, needs=[Need(features)],
        besides=besides, is_decided=lambda _table, _day: False,
    )  # fmt: skip


@dataclass(frozen=True)
class _Made:
    """What scoring wrote.

    Attributes:
        changed: days of which something other was said than before, served or in the shadow.
    """

    changed: tuple[str, ...] = ()
    versions: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def _versions(assigned: Mapping[str, Assignment], days: Sequence[str]) -> list[Serves]:
    """Return what serves on the days, each version once, in the order of its first day."""
    found: dict[str, Serves] = {}
    for day in days:
        serves = assigned[day].serves
        found.setdefault(serves["model_version"], serves)
    return list(found.values())


def _named(versions: Sequence[Serves]) -> str:
    return ", then ".join(f"{serves['model_version']} ({serves['role']})" for serves in versions)


def _score_days(
    workspace: Workspace, usecase: UseCase, due: Mapping[str, int], assigned: Mapping[str, Assignment], run: Run
) -> _Made:
    lake = workspace.lake(usecase)
    days, features = sorted(due), usecase.features.table
    version = lake.version(features)
    rows = lake.read(features, days, columns=feature_columns(usecase), version=version)
    before = lake.read(_TABLE, days)
    served, shadow, faults = [before], [before.slice(0, 0)], []
    for group in _together(days, assigned):
        part = rows.filter(pc.is_in(rows["partition"], value_set=pa.array(group)))
        if not part.num_rows:
            continue
        sides = sides_of(part.to_pandas(), assigned[group[0]], lambda of: _loaded(workspace, usecase, of))
        served.append(_revision(part, sides.served, before, version or 0))
        if sides.shadow is not None:
            shadow.append(_revision(part, sides.shadow, before.slice(0, 0), version or 0))
        faults += [sides.fault] if sides.fault else []
    read = {features: version}
    changed: set[str] = set()
    if usecase.serving.is_compared:
        # Before what is served: a day that counts as scored has its shadow.
        beside = lake.overwrite(
            _SHADOW, pa.concat_tables(shadow), run=run, partitions=days, inputs=due, input_versions=read
        )
        changed |= {*beside.changed_partitions}
    written = lake.overwrite(
        _TABLE, pa.concat_tables(served), run=run, partitions=days, inputs=due, input_versions=read,
        accounting=Accounting(rows.num_rows, rows.num_rows, 0),
        details={"model_version": ", ".join(str(serves["model_version"]) for serves in _versions(assigned, days))},
    )  # fmt: skip
    changed |= {*written.changed_partitions}
    return _Made(tuple(sorted(changed)), {_TABLE: written.version}, tuple(faults))


def _together(days: Sequence[str], assigned: Mapping[str, Assignment]) -> list[list[str]]:
    """Return the days that are scored by the same versions in the same way, in the order of their first day."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for day in days:
        groups.setdefault(assigned[day].identity, []).append(day)
    return list(groups.values())


def _loaded(workspace: Workspace, usecase: UseCase, facts: Mapping[str, Any]) -> tuple[Any, Model]:
    """Return the estimator of a version, and the declaration by which it was built."""
    model = model_of_version(workspace.ledger, usecase, facts)
    registry = open_registry(workspace.settings)
    return registry.load(facts["model_version"], facts["sha256"], trusted_types(model)), model


def _revision(rows: pa.Table, said: Said, before: pa.Table, features_version: int) -> pa.Table:
    """Return the rows to append: of each day the next revision, or none where it would say what the last one says."""
    schema = arrow_schema(PREDICTIONS)
    parts = [schema.empty_table()]
    scored = rows.select(["partition", "entity", "decision_at"])
    constant = {"features_version": features_version, "scored_at": datetime.now(UTC)}
    columns = {"score": said.scores, "model_version": said.versions, "model_role": said.roles}
    for name, values in columns.items():
        scored = scored.append_column(name, pa.array(values, schema.field(name).type))
    for day in pc.unique(scored["partition"]).to_pylist():
        part = scored.filter(pc.equal(scored["partition"], day))
        last = current_revision(before.filter(pc.equal(before["partition"], day)))
        number = (last["revision"][0].as_py() if last.num_rows else 0) + 1
        for name, value in {"revision": number, **constant}.items():
            part = part.append_column(name, pa.array([value] * part.num_rows, schema.field(name).type))
        part = part.select(schema.names).cast(schema)
        if _said(part) != _said(last):
            parts.append(part)
    return pa.concat_tables(parts)


def current_revision(rows: pa.Table) -> pa.Table:
    """Return, of one partition of predictions, the rows of the highest revision."""
    return rows.filter(pc.equal(rows["revision"], pc.max(rows["revision"]))) if rows.num_rows else rows


def _said(rows: pa.Table) -> int:
    return identity_of(rows.select(list(_SAID)).sort_by("entity").to_pydict())


def _publish(workspace: Workspace, usecase: UseCase, lake: Lake, days: Sequence[str]) -> list[str]:
    """Publish the days whose published content is not the lake's; return them.

    A crash between the lake's commit and the publication leaves a day behind that the next run finds here.
    """
    create_tables(workspace.engine)
    there = published_contents(workspace.engine, usecase.name, days)
    contents = lake.contents(_TABLE, days)
    stale = [day for day in days if contents[day] is not None and there.get(day) != contents[day]]
    rows = lake.read(_TABLE, stale)
    for day in stale:
        current = current_revision(rows.filter(pc.equal(rows["partition"], day)))
        publish_partition(workspace.engine, usecase.name, day, current, contents[day] or 0)
    return stale
