"""Ingest: land deliveries, judge them, publish clean tables, and say what was found.

One pass and one commit per table, whether for one day or a year. The verdict is recorded before anything is published,
and each table knows from which inputs it was made: a run that died anywhere is completed by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catena.chain.ingesting.clean import clean_rows, rows_taken
from catena.chain.ingesting.landing import land, read_all
from catena.chain.ingesting.quarantine import quarantined_rows, released, row_id
from catena.chain.ingesting.verdicts import RowTypes, entry_checksums, means_of, record, refusal, verdicts_of
from catena.declaration import CleanTable, Dataset, UseCase
from catena.lake import WHOLE, Lake, Written, identity_of
from catena.quality.casts import typed
from catena.quality.rules import implied, judge
from catena.quality.verdict import Failures, Verdict
from catena.run import Accounting, Outcome, Run
from catena.sources import Delivery, MissingDelivery, SourceFault
from catena.workspace import Workspace


class DeliveryRefused(RuntimeError):
    """At least one partition broke a rule that stops it; the others were published."""


class DeliveryAwaited(RuntimeError):
    """At least one partition has not arrived whole, and a later try may find it; the others were published."""


@dataclass(frozen=True)
class Plan:
    """What an ingest works on: one dataset, its deliveries and what decides their treatment."""

    workspace: Workspace
    usecase: UseCase
    dataset: Dataset
    lake: Lake
    run: Run
    inputs: dict[str, int]
    """Identity of everything that a partition is made from."""


def ingest_dataset(
    workspace: Workspace,
    usecase: UseCase,
    dataset_name: str,
    partitions: Sequence[str],
    run: Run,
    *,
    connections: Mapping[str, str] | None = None,
) -> Outcome:
    """Land, judge and publish partitions of a dataset.

    Args:
        workspace: the installation.
        usecase: the use case.
        dataset_name: declared dataset.
        partitions: day keys, or `("whole",)` for reference data.
        run: who runs.
        connections: addresses of databases by connection name, besides those of the environment.

    Raises:
        DeliveryRefused: partitions failed; the error names them, their rules and pages.
        DeliveryAwaited: partitions failed, all of them by faults that may pass.
    """
    dataset, lake = usecase.dataset(dataset_name), workspace.lake(usecase)
    partitions = sorted(set(partitions))
    deliveries, faults = read_all(dataset, workspace.settings.landing_root, partitions, connections)
    free = released(workspace, usecase, dataset.name, partitions)
    contract = _contract(usecase, dataset)
    absent = [key for key, fault in faults.items() if isinstance(fault, MissingDelivery) and not dataset.is_required]
    checksums = {item.partition: item.checksum for item in deliveries} | dict.fromkeys(absent, "")
    inputs = {key: identity_of([checksum, contract, sorted(free.get(key, ()))]) for key, checksum in checksums.items()}
    plan = Plan(workspace, usecase, dataset, lake, run, inputs)
    current = _current(plan, partitions, checksums)
    fresh = [item for item in deliveries if item.partition not in current]
    faulty = {key: fault for key, fault in faults.items() if key not in absent}
    return _judge_and_publish(plan, fresh, [key for key in absent if key not in current], faulty, (current, free))


def refresh_reference(
    workspace: Workspace, usecase: UseCase, run: Run, *, connections: Mapping[str, str] | None = None
) -> Outcome:
    """Bring every reference dataset up to date; one that did not change gets no new version.

    Raises:
        DeliveryRefused: a dataset failed; those besides it stand.
        DeliveryAwaited: a dataset failed, and all that did may arrive later.
    """
    outcomes: dict[str, Outcome] = {}
    refused: list[DeliveryRefused | DeliveryAwaited] = []
    for dataset in usecase.reference_datasets:
        try:
            outcomes[dataset.name] = ingest_dataset(
                workspace, usecase, dataset.name, (WHOLE,), run, connections=connections
            )
        except (DeliveryRefused, DeliveryAwaited) as error:
            refused.append(error)
    if refused:
        awaited = all(isinstance(error, DeliveryAwaited) for error in refused)
        raise (DeliveryAwaited if awaited else DeliveryRefused)(" ".join(map(str, refused)))
    changed = [name for name, outcome in outcomes.items() if outcome.status == "published"]
    versions = {table: version for outcome in outcomes.values() for table, version in outcome.versions.items()}
    reason = f"new versions of {', '.join(changed)}" if changed else "no reference data changed"
    return Outcome(
        "published" if changed else "unchanged",
        reason,
        (WHOLE,) if changed or run.try_number > 1 else (),
        versions,
        None,
        {"changed": changed, **{name: item.details for name, item in outcomes.items()}},
    )


def _contract(usecase: UseCase, dataset: Dataset) -> int:
    """Return the identity of what is declared: a changed rule or SELECT makes the partition anew."""
    return identity_of([dataset.model_dump(mode="json"), [usecase.sql(clean.sql) for clean in dataset.clean]])


def _current(plan: Plan, partitions: Sequence[str], checksums: Mapping[str, str]) -> set[str]:
    """Return the partitions that stand in every table, and in the ledger, for exactly these inputs."""
    name = plan.dataset.name
    judged = entry_checksums(plan.workspace, plan.usecase, name, partitions)
    current = {key for key in plan.inputs if judged.get(key) == checksums[key]}
    for clean in plan.dataset.clean:
        if current:
            stands = plan.lake.inputs(clean.table, sorted(current))
            current = {key for key in current if stands[key] == plan.inputs[key]}
    if current:
        stands = plan.lake.inputs("quarantine", [f"{key}/{name}" for key in sorted(current)])
        current = {key for key in current if stands[f"{key}/{name}"] == plan.inputs[key]}
    return current


def _judge_and_publish(
    plan: Plan,
    deliveries: Sequence[Delivery],
    absent: Sequence[str],
    faulty: Mapping[str, SourceFault],
    known: tuple[set[str], Mapping[str, frozenset[str]]],
) -> Outcome:
    current, free = known
    rows, offsets, may_pass, bad_types = _typed_rows(plan.dataset, deliveries, free)
    rules = implied(plan.dataset.columns, plan.dataset.rules)
    keys = [item.partition for item in deliveries]
    arrived = {item.partition: item.rows.num_rows + len(item.malformed) for item in deliveries}
    trailing = means_of(plan.lake, plan.dataset, arrived)
    # Delta writes outside Python's lock: the deliveries land while they are judged.
    with ThreadPoolExecutor(1) as pool:
        landing = pool.submit(land, plan.lake, plan.dataset, deliveries, plan.run)
        judgement = judge(rows, rules, keys, trailing=trailing, released=may_pass, arrived=arrived)
    landing.result()
    failures = (*bad_types, *judgement.failures)
    taken = rows_taken(failures, rows.num_rows, may_pass)
    row_types = RowTypes(rules, failures, judgement.whole, taken)
    verdicts = verdicts_of(plan.dataset, deliveries, offsets, row_types, (absent, faulty))
    pages = record(plan.workspace, plan.usecase, plan.run, verdicts)
    good = [item for item in deliveries if verdicts[item.partition].decision != "FAIL"]
    done = [item.partition for item in good] + list(absent)
    quarantine = quarantined_rows(plan.dataset.name, good, offsets, failures, taken=taken, run=plan.run)
    kept = pc.and_(
        pc.is_in(rows["partition"], pa.array([item.partition for item in good], pa.string())), pa.array(~taken)
    )
    outcome = _publish(plan, rows.filter(kept), quarantine, sorted(done), sum(arrived[item.partition] for item in good))
    if refused := {key: verdict for key, verdict in verdicts.items() if verdict.decision == "FAIL"}:
        awaited = all(key in faulty and faulty[key].may_pass for key in refused)
        raise (DeliveryAwaited if awaited else DeliveryRefused)(refusal(plan.dataset.name, refused, pages))
    return _described(outcome, plan, verdicts, current, pages)


def _typed_rows(
    dataset: Dataset, deliveries: Sequence[Delivery], free: Mapping[str, frozenset[str]]
) -> tuple[pa.Table, dict[str, int], npt.NDArray[np.bool_], tuple[Failures, ...]]:
    """Return all rows with types and partition, where each delivery begins, which rows are released, and bad values."""
    names = [column.name for column in dataset.columns]
    texts = [item.rows.select(names) for item in deliveries] or [
        pa.table({name: pa.array([], pa.string()) for name in names})
    ]
    null = deliveries[0].null if deliveries else ""
    rows, failures = typed(pa.concat_tables(texts), dataset.columns, null)
    counts = [item.rows.num_rows for item in deliveries]
    offsets = dict(zip([item.partition for item in deliveries], np.cumsum([0, *counts]).tolist(), strict=False))
    codes = np.repeat(np.arange(len(deliveries), dtype=np.int32), counts)
    partitions = pa.array([item.partition for item in deliveries], pa.string()).take(pa.array(codes))
    may_pass = np.zeros(rows.num_rows, dtype=np.bool_)
    for item in deliveries:
        for at, line in enumerate(item.line_numbers.to_pylist() if free.get(item.partition) else ()):
            may_pass[offsets[item.partition] + at] = row_id(item, line) in free[item.partition]
    return rows.append_column("partition", partitions), offsets, may_pass, failures


def _publish(plan: Plan, rows: pa.Table, quarantine: pa.Table, done: Sequence[str], arrived: int) -> Outcome:
    """Write quarantine and clean tables; each decides by its own identities whether there is anything to do."""
    accounting = Accounting(arrived, rows.num_rows, quarantine.num_rows)
    if not done:
        return Outcome("unchanged", "every partition stands as it is", accounting=accounting)
    inputs = {key: plan.inputs[key] for key in done}
    details = {"dataset": plan.dataset.name}
    written = {
        "quarantine": plan.lake.overwrite(
            "quarantine",
            quarantine,
            run=plan.run,
            partitions=done,
            inputs=inputs,
            accounting=accounting,
            within={"dataset": plan.dataset.name},
            standing="final",
            details=details,
        )
    }

    def publish(clean: CleanTable) -> Written:
        return plan.lake.overwrite(
            clean.table,
            clean_rows(plan.usecase, clean.sql, rows),
            run=plan.run,
            partitions=done,
            inputs=inputs,
            accounting=accounting,
            standing="final",
            details=details,
        )

    # Delta writes outside Python's lock, so two tables take little longer than one.
    with ThreadPoolExecutor(2) as pool:
        written |= dict(
            zip([clean.table for clean in plan.dataset.clean], pool.map(publish, plan.dataset.clean), strict=True)
        )
    tables = [clean.table for clean in plan.dataset.clean]
    changed = sorted({key for table in tables for key in written[table].changed_partitions})
    # What streams told of these days is superseded, also where it was the same: what waits for final days hears of it.
    superseded = sorted({key for table in tables for key in written[table].finalized_partitions})
    versions = {table: item.version for table, item in written.items()}
    if not changed and not superseded:
        return Outcome("unchanged", "the same rows stood there already", (), versions, accounting)
    restated = {table: list(written[table].restated_partitions) for table in tables}
    return Outcome(
        "published",
        f"{len(changed)} partitions changed",
        tuple(sorted({*changed, *superseded})),
        versions,
        accounting,
        {"restated": {table: keys for table, keys in restated.items() if keys}, "superseded": superseded},
    )


def _described(
    outcome: Outcome, plan: Plan, verdicts: Mapping[str, Verdict], current: set[str], pages: Mapping[str, str]
) -> Outcome:
    """Return the outcome with what the log and the asset event say of it."""
    decisions = [verdict.decision for verdict in verdicts.values()]
    details = {
        "dataset": plan.dataset.name,
        "decisions": {name: decisions.count(name) for name in sorted(set(decisions))},
        "pages": dict(list(pages.items())[:10]),
        "unchanged": len(current),
        **outcome.details,
    }
    partitions = outcome.partitions
    if plan.run.try_number > 1:
        # The first try may have died between a commit and its event: downstream hears of all that stands.
        partitions = tuple(sorted({*partitions, *current, *(key for key in verdicts)}))
    return replace(outcome, partitions=partitions, details=details)
