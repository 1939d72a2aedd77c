"""Quarantined rows: how they are kept, listed, shown, and released by a person.

Which rows go there is decided by the rules; a release takes effect when the partition is ingested again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catena.declaration import UseCase
from catena.lake import QUARANTINE, WHOLE, arrow_schema
from catena.partitions import start_of
from catena.quality.verdict import Failures
from catena.run import Run
from catena.sources import Delivery
from catena.workspace import Workspace

LONGEST_TEXT = 10_000
FINAL_RULES = ("type", "malformed", "unique(")
"""Rules whose rows no release can publish: there is no value to publish, or the key would stand there twice."""


class NotReleasable(ValueError):
    """A row is not in quarantine, or no release could publish it."""


def listed(workspace: Workspace, usecase: UseCase, dataset: str | None = None) -> list[dict[str, Any]]:
    """Return the quarantined rows of each dataset, partition and rule, counted."""
    rows = workspace.lake(usecase).read("quarantine", columns=["dataset", "partition", "rules", "row_id"])
    if dataset is not None:
        rows = rows.filter(pc.equal(rows["dataset"], dataset))
    keys = ["dataset", "partition", "rules"]
    counted = rows.group_by(keys).aggregate([("row_id", "count")]).sort_by([(key, "ascending") for key in keys])
    return [{**{key: line[key] for key in keys}, "rows": line["row_id_count"]} for line in counted.to_pylist()]


def shown(workspace: Workspace, usecase: UseCase, dataset: str, partition: str) -> list[dict[str, Any]]:
    """Return the quarantined rows of a partition, as they came, with rules and reasons."""
    rows = workspace.lake(usecase).read("quarantine", [partition])
    found: list[dict[str, Any]] = rows.filter(pc.equal(rows["dataset"], dataset)).to_pylist()
    return found


def release(
    workspace: Workspace,
    usecase: UseCase,
    dataset: str,
    partition: str,
    row_ids: Sequence[str],
    *,
    reason: str,
    run: Run,
) -> bool:
    """Let rows pass from the next ingest of their partition on; return whether the ledger gained an entry.

    Raises:
        NotReleasable: a row is not in quarantine, or is there by a rule that no release can lift.
    """
    there = {row["row_id"]: row for row in shown(workspace, usecase, dataset, partition)}
    earlier = released(workspace, usecase, dataset, [partition]).get(partition, frozenset())
    if unknown := [row_id for row_id in row_ids if row_id not in there and row_id not in earlier]:
        raise NotReleasable(
            f"{dataset} {partition}: rows {unknown[:10]} are not in quarantine; "
            f"`catena quarantine show {usecase.name} {dataset} {partition}` lists those that are."
        )
    for row_id in row_ids:
        rules = there[row_id]["rules"] if row_id in there else ""
        if any(rule.startswith(("type", "malformed")) for rule in rules.split(",")):
            raise NotReleasable(
                f"{dataset} {partition}, row {row_id}: {there[row_id]['reason']}. "
                "It cannot be published as it is; have the source corrected."
            )
    return workspace.ledger.append(
        run,
        kind="release",
        subject=dataset,
        partition=partition,
        decision="RELEASE",
        effective_at=effective_at(usecase, partition),
        payload={"row_ids": sorted({*earlier, *row_ids}), "reason": reason},
    )


def released(
    workspace: Workspace, usecase: UseCase, dataset: str, partitions: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Return the released row ids of each partition that has any."""
    only = partitions[0] if len(partitions) == 1 else None
    entries = workspace.ledger.entries(usecase.name, kind="release", subject=dataset, partition=only)
    found: dict[str, frozenset[str]] = {}
    for entry in entries:
        found[entry.partition] = found.get(entry.partition, frozenset()) | frozenset(entry.payload["row_ids"])
    return found


def effective_at(usecase: UseCase, partition: str) -> Any:
    """Return the logical time of an entry on a partition; reference data hold from the calendar's first day."""
    return start_of(usecase.calendar.first if partition == WHOLE else partition)


def quarantined_rows(
    dataset: str,
    deliveries: Sequence[Delivery],
    offsets: Mapping[str, int],
    failures: Sequence[Failures],
    *,
    taken: npt.NDArray[np.bool_],
    run: Run,
) -> pa.Table:
    """Return the rows of the quarantine table, as they came.

    Args:
        dataset: name of the dataset.
        deliveries: the deliveries that are published.
        offsets: position of each delivery's first row among all rows, by partition.
        failures: broken rules of severity quarantine.
        taken: which rows are taken out.
        run: who takes them out.
    """
    rules: dict[int, dict[str, str]] = {}
    for failure in failures:
        for at, row in enumerate(failure.rows.tolist()):
            if taken[row]:
                value = f" {failure.values[at]}" if failure.values else ""
                said = f"{failure.column}{value}: {failure.reason}" if failure.column else failure.reason
                known = rules.setdefault(row, {})
                known[failure.rule] = f"{known[failure.rule]}; {said}" if failure.rule in known else said
    rows: list[dict[str, Any]] = []
    for delivery in deliveries:
        base = {
            "partition": delivery.partition,
            "dataset": dataset,
            "source_file": delivery.source,
            "run_id": run.run_id,
        }
        first = offsets[delivery.partition]
        for at in np.flatnonzero(taken[first : first + delivery.rows.num_rows]).tolist():
            line = delivery.line_numbers[at].as_py()
            broken = rules[first + at]
            # Rows of a file are text; those of a stream have types, times among them.
            text = json.dumps(delivery.rows.slice(at, 1).to_pylist()[0], ensure_ascii=False, default=str)
            rows.append(
                {
                    **base,
                    "row_id": row_id(delivery, line),
                    "line_number": line,
                    "rules": ",".join(broken),
                    "reason": "; ".join(broken.values()),
                    "row": _cut(text),
                }
            )
        rows.extend(
            {
                **base,
                "row_id": row_id(delivery, bad.line_number),
                "line_number": bad.line_number,
                "rules": "malformed",
                "reason": bad.reason,
                "row": _cut(json.dumps(bad.text, ensure_ascii=False)),
            }
            for bad in delivery.malformed
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema(QUARANTINE))


def row_id(delivery: Delivery, line: int) -> str:
    """Return the identity of a row: where it stands in which delivery."""
    return f"{delivery.checksum[:12]}-{line}"


def _cut(text: str) -> str:
    """Return the text, shortened where it is too long to be read; the raw table holds it whole."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text):,} characters)"
