"""What a training set was: the record of a snapshot, its name, and how two of them differ. Pure.

Where rows are kept belongs in `catena.lake.archive`; when a snapshot is taken, in `catena.chain.training.snapshots`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pyarrow as pa

from catena.declaration import Label, Model
from catena.declaration.tables import Declared
from catena.modeling.dataset import TrainingSet

ROW_FILTER = "decision_at <= cut AND label_known_at <= cut AND label IS NOT NULL"
# The order of rows, in tables as in files.
ORDER = ("decision_at", "partition", "entity")


class Part(Declared):
    """One of train, purged and holdout."""

    rows: int
    label_mean: float | None
    sha256: str


class Day(Declared):
    """The rows of one day, kept in the archive under their digest."""

    rows: int
    sha256: str


class SnapshotRecord(Declared):
    """All that makes a training set what it is; equal records have equal names."""

    usecase: str
    month: str
    cut: str
    row_filter: str
    columns: tuple[tuple[str, str], ...]
    """Name and type of each column of the rows."""
    label: Label
    model: Model
    boundaries: dict[str, str | int]
    parts: dict[Literal["train", "purged", "holdout"], Part]
    days: dict[str, Day]
    """Only days that have rows."""

    def document(self) -> bytes:
        """Return the record as JSON, always the same bytes."""
        return canonical(self.model_dump(mode="json"))

    @property
    def sha256(self) -> str:
        """Digest of the record, which holds those of the rows."""
        return hashlib.sha256(self.document()).hexdigest()

    @property
    def name(self) -> str:
        """Return what people call it, as `flight_delays/2013-03@1a2b3c4d`."""
        return f"{self.usecase}/{self.month}@{self.sha256[:8]}"

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts.values())


def canonical(value: Any) -> bytes:
    """Return JSON-ready values as JSON with sorted keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def record_of(
    rows: pa.Table, days: Mapping[str, str], data: TrainingSet,
    *, usecase: str, month: str, cut: str, label: Label, model: Model,
) -> SnapshotRecord:  # fmt: skip
    """Return the record of rows.

    Args:
        rows: all of them, in order.
        days: digest of the rows of each day.
        data: the same rows, parted.
        usecase: name of the use case.
        month: training month.
        cut: instant of training, as ISO 8601.
        label: its declaration.
        model: its declaration, with features, split and seed.
    """
    counts = {item["values"]: item["counts"] for item in rows["partition"].value_counts().to_pylist()}
    return SnapshotRecord(
        usecase=usecase, month=month, cut=cut, row_filter=ROW_FILTER,
        columns=tuple((field.name, str(field.type)) for field in rows.schema),
        label=label, model=model, boundaries=asdict(data.boundaries),
        parts={
            name: Part(rows=len(part), label_mean=float(part["label"].mean()) if len(part) else None,
                       sha256=data.digests[name])
            for name, part in data.parts.items()
        },
        days={day: Day(rows=counts[day], sha256=digest) for day, digest in sorted(days.items())},
    )  # fmt: skip


def by_day(rows: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each day, ordered by decision."""
    ordered = rows.sort_by([("partition", "ascending"), *((name, "ascending") for name in ORDER)]).combine_chunks()
    counts = {item["values"]: item["counts"] for item in ordered["partition"].value_counts().to_pylist()}
    parts, start = {}, 0
    for day, count in sorted(counts.items()):
        parts[day] = ordered.slice(start, count)
        start += count
    return parts


def in_order(parts: list[pa.Table], columns: tuple[tuple[str, str], ...]) -> pa.Table:
    """Return the rows of days as one table in the order in which they were before they were parted."""
    schema = pa.schema([(name, _TYPES[type_]) for name, type_ in columns])
    rows = pa.concat_tables([schema.empty_table(), *(part.select(schema.names).cast(schema) for part in parts)])
    return rows.sort_by([(name, "ascending") for name in ORDER])


@dataclass(frozen=True)
class RowChanges:
    """How the rows of a day differ, by entity."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    columns: tuple[str, ...]
    """Columns in which the changed rows differ."""


def row_changes(before: pa.Table, after: pa.Table) -> RowChanges:
    """Return how the rows of a day differ in the columns that both tables have; null and NaN equal themselves."""
    shared = [name for name in before.column_names if name in after.column_names]
    old, new = ({row["entity"]: row for row in rows.select(shared).to_pylist()} for rows in (before, after))
    differing = {
        entity: [name for name in shared if repr(old[entity][name]) != repr(new[entity][name])]
        for entity in sorted(old.keys() & new.keys())
    }
    changed = {entity: names for entity, names in differing.items() if names}
    return RowChanges(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(old.keys() - new.keys())),
        tuple(changed),
        tuple(name for name in shared if any(name in names for names in changed.values())),
    )


def rows_said(before: pa.Table, after: pa.Table) -> str:
    """Return in one sentence which rows of a day differ, the first few by name."""
    found = row_changes(before, after)
    kinds = (("added", found.added), ("removed", found.removed), ("changed", found.changed))
    said = [
        f"{len(rows)} {kind} ({', '.join(rows[:3])}{', …' if len(rows) > 3 else ''})" for kind, rows in kinds if rows
    ]
    columns = f" in {', '.join(found.columns)}" if found.columns else ""
    return f"Rows: {'; '.join(said)}{columns}." if said else "The same rows in another order or with other types."


def definition_changes(before: SnapshotRecord, after: SnapshotRecord) -> dict[str, list[str]]:
    """Return in words what differs in all but the rows: columns, features, label rule, boundaries, model."""
    old, new = dict(before.columns), dict(after.columns)
    columns = [*(f"- {name}" for name in old if name not in new), *(f"+ {name}" for name in new if name not in old)]
    columns += [f"{name}: {old[name]} -> {new[name]}" for name in old if name in new and old[name] != new[name]]
    found = {
        "cut": _said({"cut": before.cut}, {"cut": after.cut}),
        "columns": columns,
        "label": _said(before.label.model_dump(), after.label.model_dump()),
        "boundaries": _said(before.boundaries, after.boundaries),
        "model": _said(before.model.model_dump(), after.model.model_dump()),
    }
    return {name: changes for name, changes in found.items() if changes}


def _said(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys([*before, *after])
    return [f"{name}: {before.get(name)} -> {after.get(name)}" for name in names if before.get(name) != after.get(name)]


_TYPES = {
    str(type_): type_ for type_ in (pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us", tz="UTC"))
}
