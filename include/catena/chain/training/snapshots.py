"""Training sets as named snapshots: taken once for a month, kept in the archive, recorded in the ledger.

`train`, `promote` and a replay read a snapshot's rows and never the tables, so that they see the same, whatever is
corrected, compacted or deleted there (docs/decisions/011). What a snapshot's record holds belongs in
`catena.modeling.snapshot`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from catena.chain.training.training_data import TrainingTables, cut_of, training_days
from catena.declaration import UseCase
from catena.governance import Entry, Ledger
from catena.lake import Archive, ArchiveDamaged, Lake
from catena.modeling.dataset import TrainingSet, split_in_time
from catena.modeling.snapshot import SnapshotRecord, by_day, in_order, record_of
from catena.run import Run

FOLDER = "_snapshots"


class UnknownSnapshot(LookupError):
    """No snapshot of this name was taken."""


@dataclass(frozen=True)
class Snapshot:
    """A training set that was taken.

    Attributes:
        name: what people call it, as `flight_delays/2013-03@1a2b3c4d`.
        sha256: digest of its record as it was written.
        record: what it is.
        tables: versions of the tables that it was read from.
        data: its rows, parted.
    """

    name: str
    sha256: str
    record: SnapshotRecord
    tables: Mapping[str, int | None]
    data: TrainingSet

    def as_dict(self) -> dict[str, Any]:
        """Return what other entries of the ledger keep of it."""
        return {
            "snapshot": self.name,
            "sha256": self.sha256,
            "rows": self.data.rows,
            "train_rows": len(self.data.train),
            "purged_rows": len(self.data.purged),
            "tables": dict(self.tables),
            "identity": str(self.data.identity),
        }


def archive_of(lake: Lake) -> Archive:
    """Return where a use case's snapshots are kept: below its lake, beside its tables."""
    return Archive(f"{lake.root}/{FOLDER}", lake.storage_options)


def take_snapshot(
    lake: Lake, ledger: Ledger, usecase: UseCase, month: str, *, run: Run, versions: Mapping[str, int | None]
) -> Snapshot:
    """Keep the training set of a month as the tables have it at versions, and return it as it was kept.

    Days are kept one by one under the digest of their rows, so that the snapshots of a year share them. The record is
    written last: a snapshot is there whole or not at all, and taken again with the same rows it is the same one.
    """
    rows = TrainingTables(lake, ledger, usecase).rows(month, versions)
    model, archive = usecase.model, archive_of(lake)
    digests = archive.keep_rows(by_day(rows))
    data = split_in_time(rows, training_days(usecase, month)[-1], model.validation_days, model.embargo_days)
    record = record_of(
        rows, digests, data,
        usecase=usecase.name, month=month, cut=cut_of(month).isoformat(), label=usecase.label, model=model,
    )  # fmt: skip
    archive.keep_document(_document(month, record.sha256), record.document())
    if not ledger.entries(usecase.name, kind="dataset", subject=record.name):
        ledger.append(
            run, kind="dataset", subject=record.name, partition=month, decision="TAKEN", effective_at=cut_of(month),
            payload={**record.model_dump(mode="json", exclude={"days"}), "days": len(record.days),
                     "sha256": record.sha256, "tables": dict(versions), "reason": said_of(record)},
        )  # fmt: skip
    return open_snapshot(lake, ledger, usecase, record.name)


def said_of(record: SnapshotRecord) -> str:
    """Return a snapshot in one sentence."""
    counts = ", ".join(f"{part.rows} {name}" for name, part in record.parts.items())
    return f"{record.rows} rows of {len(record.days)} days known by {record.cut}: {counts}."


def snapshot_of(lake: Lake, ledger: Ledger, usecase: UseCase, candidate: Entry, run: Run) -> Snapshot:
    """Return the snapshot that a candidate was trained on; of a training that broke down before it, take one."""
    dataset = candidate.payload.get("dataset") or {}
    if name := dataset.get("snapshot"):
        return open_snapshot(lake, ledger, usecase, name)
    versions = dataset.get("tables") or TrainingTables(lake, ledger, usecase).versions()
    return take_snapshot(lake, ledger, usecase, candidate.partition, run=run, versions=versions)


def open_snapshot(lake: Lake, ledger: Ledger, usecase: UseCase, name: str) -> Snapshot:
    """Return a snapshot with its rows, checked against their digests.

    Raises:
        UnknownSnapshot: there is none of that name.
        ArchiveDamaged: what was kept is gone or changed.
    """
    entry = snapshot_entry(ledger, usecase, name)
    record = read_record(lake, entry)
    parts = archive_of(lake).rows([day.sha256 for day in record.days.values()])
    return Snapshot(name, entry.payload["sha256"], record, entry.payload["tables"], parted(record, parts))


def parted(record: SnapshotRecord, parts: list[pa.Table]) -> TrainingSet:
    """Return rows of days, parted as a record says."""
    bounds = record.boundaries
    return split_in_time(
        in_order(parts, record.columns), str(bounds["last_day"]), int(bounds["validation_days"]),
        int(bounds["embargo_days"]),
    )  # fmt: skip


def snapshot_entries(ledger: Ledger, usecase: UseCase) -> list[Entry]:
    """Return the ledger's entries on snapshots, one for each, in logical order."""
    return list({entry.subject: entry for entry in ledger.entries(usecase.name, kind="dataset")}.values())


def snapshot_entry(ledger: Ledger, usecase: UseCase, name: str) -> Entry:
    """Return the first entry on a snapshot: it says from which table versions it was taken.

    Raises:
        UnknownSnapshot: there is none of that name.
    """
    if found := ledger.entries(usecase.name, kind="dataset", subject=name):
        return found[0]
    raise UnknownSnapshot(f"no snapshot {name!r} of {usecase.name} was taken: `catena dataset list` shows them")


def full_name(ledger: Ledger, usecase: UseCase, name: str) -> str:
    """Return the name of a snapshot, of which the hash may be left out where its month has one alone.

    Raises:
        UnknownSnapshot: naming those that there are.
    """
    taken = [entry.subject for entry in snapshot_entries(ledger, usecase)]
    found = [each for each in taken if name in {each, each.partition("@")[0]}]
    if len(found) == 1:
        return found[0]
    there = ", ".join(found or taken) or "none"
    raise UnknownSnapshot(
        f"{'several snapshots are' if found else 'no snapshot is'} named {name!r}; there are: {there}"
    )


def read_record(lake: Lake, entry: Entry) -> SnapshotRecord:
    """Return the record of a snapshot as the archive has it.

    Raises:
        ArchiveDamaged: it is gone, or not the one that the ledger names.
    """
    archive, sha256 = archive_of(lake), str(entry.payload["sha256"])
    document = archive.document(document_of(entry))
    where = f"{archive.root}/{document_of(entry)}.json"
    if document is None:
        raise ArchiveDamaged(f"{where} is not there: restore it from a copy")
    if hashlib.sha256(document).hexdigest() != sha256:
        raise ArchiveDamaged(f"{where} is not the record that the ledger names: restore it from a copy")
    return SnapshotRecord.model_validate(json.loads(document))


def document_of(entry: Entry) -> str:
    """Return the name under which the archive keeps the record of a snapshot."""
    return _document(entry.partition, str(entry.payload["sha256"]))


def _document(month: str, sha256: str) -> str:
    return f"{month}@{sha256}"
