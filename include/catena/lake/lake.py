"""The lake of one use case: Delta tables that are read and replaced by partition, one atomic commit at a time.

What the rows mean belongs in the links. Identities of content and of inputs ride on each commit as Delta application
transactions, so that 'is this partition there, and from which inputs' is one look-up in the snapshot.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from catena.declaration import Table
from catena.lake.content import content_identity
from catena.lake.schema import arrow_schema, conform, sorted_by_key
from catena.run import Accounting, Run

# Key under which an unpartitioned table keeps its identities.
WHOLE = "whole"
_ATTEMPTS = 8
_PARTITION = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class UndeclaredChange(RuntimeError):
    """A table on disk has another schema than its declaration."""


class CommitConflict(RuntimeError):
    """Other writers won every attempt to commit."""


@dataclass(frozen=True)
class Written:
    """What a write did: the table version that holds the content, and whether this call made it."""

    version: int
    is_changed: bool
    changed_partitions: tuple[str, ...]


class Lake:
    """Delta tables below one root, opened by their declared names."""

    def __init__(self, root: str, tables: Iterable[Table], storage_options: Mapping[str, str] | None = None) -> None:
        self.root = root.rstrip("/")
        self.tables = {table.name: table for table in tables}
        self.storage_options = dict(storage_options or {}) or None
        self._checked: set[str] = set()

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(
        self,
        name: str,
        partitions: Sequence[str] | None = None,
        *,
        columns: Sequence[str] | None = None,
        version: int | None = None,
        at: datetime | None = None,
    ) -> pa.Table:
        """Return rows of a table, in the order of its primary key where the key is read.

        Args:
            name: declared table.
            partitions: partition keys; None reads the whole table.
            columns: columns to read; None reads all.
            version: a past Delta version, or
            at: the version that was current at this instant.

        Returns:
            An Arrow table; empty with the declared columns where the table or the partitions do not exist yet.
        """
        table = self.tables[name]
        schema = arrow_schema(table)
        wanted = list(columns) if columns is not None else schema.names
        if partitions is not None and not partitions:
            return schema.empty_table().select(wanted)
        try:
            delta = self._open(name, version)
        except TableNotFoundError:
            return schema.empty_table().select(wanted)
        if at is not None:
            delta.load_as_version(at)
        filters = None if partitions is None else [("partition", "in", list(partitions))]
        keys = [key for key in table.primary_key if key not in wanted]
        rows = delta.to_pyarrow_table(filters=filters, columns=wanted + keys)
        rows = sorted_by_key(rows, table).select(wanted)
        # A past version may predate a declared column: only today's shape is promised for today's version.
        return rows.cast(pa.schema([schema.field(column) for column in wanted])) if version is None else rows

    def version(self, name: str) -> int | None:
        """Return the current Delta version, None where the table does not exist yet."""
        try:
            return self._open(name).version()
        except TableNotFoundError:
            return None

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return the commits, newest first, with the metadata that `overwrite` recorded."""
        try:
            return self._open(name).history()
        except TableNotFoundError:
            return []

    def partitions(self, name: str) -> list[str]:
        """Return the partition keys that hold rows, in order."""
        try:
            return sorted({entry["partition"] for entry in self._open(name).partitions()})
        except TableNotFoundError:
            return []

    def contents(self, name: str, partitions: Sequence[str] = (WHOLE,)) -> dict[str, int | None]:
        """Return the content identity of each partition, None where it was never written."""
        return self._transactions(name, "content", partitions)

    def inputs(self, name: str, partitions: Sequence[str] = (WHOLE,)) -> dict[str, int | None]:
        """Return the identity of the inputs from which each partition was last made, None where never written."""
        return self._transactions(name, "inputs", partitions)

    # -- writing ------------------------------------------------------------------------------------------------------

    def overwrite(
        self,
        name: str,
        rows: pa.Table,
        *,
        run: Run,
        partitions: Sequence[str] = (WHOLE,),
        inputs: Mapping[str, int] | None = None,
        input_versions: Mapping[str, int | None] | None = None,
        accounting: Accounting | None = None,
        within: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Written:
        """Replace whole partitions by rows, in one commit; equal content makes no new version.

        Args:
            name: declared table.
            rows: all rows of the partitions, in the declared columns.
            run: who writes.
            partitions: keys that are replaced, also those that get no row; `(WHOLE,)` for an unpartitioned table.
            inputs: for each partition, the identity of what it was made from.
            input_versions: versions of the tables that were read, for lineage.
            accounting: rows in, published and quarantined.
            within: replace only the rows with these column values (for a table that several datasets share).
            details: further JSON for the commit's metadata.

        Raises:
            CommitConflict: other writers won every attempt.
            UndeclaredChange: the table on disk has another schema than the declaration.
        """
        table = self.tables[name]
        rows = conform(rows, table)
        suffix = "".join(f"/{value}" for value in (within or {}).values())
        split = self._split(table, rows, partitions)
        identities = {key: content_identity(part, table) for key, part in split.items()}
        for attempt in range(_ATTEMPTS):
            delta = self._open_or_create(table)
            old = {key: delta.transaction_version(f"content/{key}{suffix}") for key in partitions}
            old_inputs = {key: delta.transaction_version(f"inputs/{key}{suffix}") for key in partitions}
            new_inputs = {key: (inputs or {}).get(key) for key in partitions}
            changed = [key for key in partitions if identities[key] != old[key]]
            restated = [key for key in partitions if new_inputs[key] is not None and new_inputs[key] != old_inputs[key]]
            if not changed and not restated:
                return Written(delta.version(), False, ())
            touched = sorted({*changed, *restated})
            transactions = [Transaction(f"content/{key}{suffix}", identities[key]) for key in touched]
            for key in touched:
                if (identity := new_inputs[key]) is not None:
                    transactions.append(Transaction(f"inputs/{key}{suffix}", identity))
            metadata = _metadata(run, touched, input_versions, accounting, details)
            try:
                self._commit(delta, pa.concat_tables([split[key] for key in touched]), touched, within, metadata,
                             transactions)
            except CommitFailedError:
                # Somebody else committed first; look again at what stands there now.
                time.sleep(Random().uniform(0.02, 0.05) * 2**attempt)
                continue
            return Written(self._open(name).version(), bool(changed), tuple(changed))
        raise CommitConflict(f"table {name}, partitions {list(partitions)}: {_ATTEMPTS} attempts to commit failed")

    def append_once(self, name: str, rows: pa.Table, *, run: Run, delivery: str, details: Mapping[str, Any]) -> Written:
        """Append rows under a delivery name; the same delivery again does nothing.

        Args:
            name: declared table.
            rows: the delivery's rows, in the declared columns.
            run: who writes.
            delivery: what makes the delivery unique, such as partition and checksum.
            details: JSON for the commit's metadata.
        """
        table = self.tables[name]
        rows = conform(rows, table)
        for attempt in range(_ATTEMPTS):
            delta = self._open_or_create(table)
            if delta.transaction_version(f"delivery/{delivery}") is not None:
                return Written(delta.version(), False, ())
            try:
                write_deltalake(
                    delta, rows, mode="append",
                    commit_properties=CommitProperties(
                        custom_metadata=_metadata(run, [], None, None, details),
                        app_transactions=[Transaction(f"delivery/{delivery}", 1)],
                    ),
                )
            except CommitFailedError:
                time.sleep(Random().uniform(0.02, 0.05) * 2**attempt)
                continue
            keys = rows["partition"].unique().to_pylist() if table.is_partitioned else [WHOLE]
            return Written(self._open(name).version(), True, tuple(sorted(keys)))
        raise CommitConflict(f"table {name}, delivery {delivery}: {_ATTEMPTS} attempts to commit failed")

    def add_columns(self, name: str) -> list[str]:
        """Add to the table on disk the columns that its declaration has gained; return their names.

        Raises:
            UndeclaredChange: a column was dropped, changed its type, or a new one is not nullable.
        """
        table = self.tables[name]
        delta = self._open(name)
        declared, actual = arrow_schema(table), pa.schema(delta.schema().to_arrow())
        new = [field for field in declared if field.name not in actual.names]
        if bad := [field.name for field in new if not field.nullable]:
            raise UndeclaredChange(f"table {name}: new columns {bad} must be nullable, old rows do not have them")
        if new:
            # An empty append in merge mode adds the columns in one commit and rewrites nothing.
            write_deltalake(delta, declared.empty_table(), mode="append", schema_mode="merge")
        self._check_schema(table, self._open(name))
        return [field.name for field in new]

    # -- inside -------------------------------------------------------------------------------------------------------

    def uri(self, name: str) -> str:
        """Return where the table is kept."""
        return f"{self.root}/{self.tables[name].name}"

    def _open(self, name: str, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.uri(name), version=version, storage_options=self.storage_options)

    def _open_or_create(self, table: Table) -> DeltaTable:
        try:
            delta = self._open(table.name)
        except TableNotFoundError:
            delta = DeltaTable.create(
                self.uri(table.name),
                arrow_schema(table),
                mode="ignore",
                partition_by=["partition"] if table.is_partitioned else None,
                name=table.name,
                description=table.description,
                configuration={"delta.checkpointInterval": "20"},
                storage_options=self.storage_options,
            )
        if table.name not in self._checked:
            self._check_schema(table, delta)
            self._checked.add(table.name)
        return delta

    def _check_schema(self, table: Table, delta: DeltaTable) -> None:
        actual = pa.schema(delta.schema().to_arrow())
        declared = arrow_schema(table)
        differences = [
            f"{name}: {actual.field(name).type if name in actual.names else 'absent'} on disk, "
            f"{declared.field(name).type if name in declared.names else 'not'} declared"
            for name in sorted({*actual.names, *declared.names})
            if name not in actual.names
            or name not in declared.names
            or str(actual.field(name).type).replace("large_", "").replace("_view", "") != str(declared.field(name).type)
        ]
        if differences:
            raise UndeclaredChange(
                f"table {table.name} at {self.uri(table.name)}: {'; '.join(differences)}. "
                f"Declared new columns are added by `catena table {table.name} --add-columns`."
            )

    def _transactions(self, name: str, kind: str, partitions: Sequence[str]) -> dict[str, int | None]:
        try:
            delta = self._open(name)
        except TableNotFoundError:
            return dict.fromkeys(partitions)
        return {key: delta.transaction_version(f"{kind}/{key}") for key in partitions}

    @staticmethod
    def _split(table: Table, rows: pa.Table, partitions: Sequence[str]) -> dict[str, pa.Table]:
        if bad := [key for key in partitions if not _PARTITION.fullmatch(key)]:
            raise ValueError(f"table {table.name}: {bad} are no partition keys")
        if not table.is_partitioned:
            return {WHOLE: rows}
        if len(partitions) == 1:
            keys = set(rows["partition"].unique().to_pylist())
            parts = {partitions[0]: rows}
        else:
            ordered = rows.sort_by("partition")
            counts = ordered["partition"].value_counts().to_pylist()
            parts, start = {key: rows.slice(0, 0) for key in partitions}, 0
            for count in sorted(counts, key=lambda item: item["values"]):
                parts[count["values"]] = ordered.slice(start, count["counts"])
                start += count["counts"]
            keys = {count["values"] for count in counts}
        if stray := sorted(keys - set(partitions)):
            raise ValueError(f"table {table.name}: rows of partitions {stray} in a write of {list(partitions)}")
        return parts

    def _commit(
        self,
        delta: DeltaTable,
        rows: pa.Table,
        partitions: Sequence[str],
        within: Mapping[str, str] | None,
        metadata: dict[str, str],
        transactions: list[Transaction],
    ) -> None:
        predicate = None
        if partitions != [WHOLE]:
            conditions = ["partition IN (" + ", ".join(f"'{key}'" for key in partitions) + ")"]
            for column, value in (within or {}).items():
                if not _PARTITION.fullmatch(value):
                    raise ValueError(f"{column}={value!r} cannot stand in a predicate")
                conditions.append(f"{column} = '{value}'")
            predicate = " AND ".join(conditions)
        write_deltalake(
            delta, rows, mode="overwrite", predicate=predicate,
            commit_properties=CommitProperties(custom_metadata=metadata, app_transactions=transactions),
        )


def _metadata(
    run: Run,
    partitions: Sequence[str],
    input_versions: Mapping[str, int | None] | None,
    accounting: Accounting | None,
    details: Mapping[str, Any] | None,
) -> dict[str, str]:
    return {
        "catena.usecase": run.usecase,
        "catena.link": run.link,
        "catena.run_id": run.run_id,
        "catena.code_version": run.code_version,
        "catena.partitions": json.dumps(list(partitions)),
        "catena.input_versions": json.dumps(dict(input_versions or {}), sort_keys=True),
        "catena.accounting": json.dumps(asdict(accounting)) if accounting else "null",
        "catena.details": json.dumps(dict(details or {}), sort_keys=True, default=str),
        "catena.committed_at": datetime.now(UTC).isoformat(),
    }
