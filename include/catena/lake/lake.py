"""The lake of one use case: Delta tables that are read and replaced by partition, one atomic commit at a time.

What the rows mean belongs in the links. Identities of content and of inputs ride on each commit as Delta application
transactions, so that 'is this partition there, and from which inputs' is one look-up in the snapshot.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, Transaction
from deltalake.exceptions import TableNotFoundError

from catena.declaration import Table
from catena.lake.commit import (
    WHOLE,
    Standing,
    VersionGone,
    Written,
    append_rows,
    change_of,
    check_keys,
    commit_metadata,
    predicate_of,
    replace_rows,
    split_by_partition,
    writing,
)
from catena.lake.content import content_identities
from catena.lake.files import files_of
from catena.lake.log import TableLog, read_log
from catena.lake.schema import arrow_schema, conform, schema_differences, sorted_by_key
from catena.run import Accounting, Run

_ATTEMPTS = 8
# Old versions are evidence: Delta's own clean-up of the log after 30 days would take them away.
_CONFIGURATION: dict[str, str | None] = {
    "delta.checkpointInterval": "20",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


class UndeclaredChange(RuntimeError):
    """A table on disk has another schema than its declaration."""


class CommitConflict(RuntimeError):
    """Other writers won every attempt to commit."""


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

        Raises:
            VersionGone: a past version whose files are no longer kept, or reading took longer than they are.
        """
        table = self.tables[name]
        schema = arrow_schema(table)
        wanted = list(columns) if columns is not None else schema.names
        if partitions is not None and not partitions:
            return schema.empty_table().select(wanted)
        try:
            delta = self.open(name, version)
        except TableNotFoundError:
            return schema.empty_table().select(wanted)
        if at is not None:
            delta.load_as_version(at)
        there = pa.schema(delta.schema().to_arrow()).names
        keys = [key for key in table.primary_key if key not in wanted]
        try:
            # Each file holds rows of one partition.
            rows = files_of(delta, partitions).to_table(columns=[key for key in wanted + keys if key in there])
        except FileNotFoundError as error:
            raise VersionGone(name, delta.version(), error) from error
        for column in wanted:
            if column not in there:
                # A past version may predate a declared column.
                rows = rows.append_column(column, pa.nulls(rows.num_rows, schema.field(column).type))
        return sorted_by_key(rows, table).select(wanted).cast(pa.schema([schema.field(column) for column in wanted]))

    def version(self, name: str) -> int | None:
        """Return the current Delta version, None where the table does not exist yet."""
        log = self.log(name)
        return None if log is None else log.version

    def history(self, name: str, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the commits, newest first and no more than `limit`, with the metadata that `overwrite` recorded."""
        try:
            return self.open(name).history(limit)
        except TableNotFoundError:
            return []

    def partitions(self, name: str) -> list[str]:
        """Return the partition keys that hold rows, in order."""
        try:
            return sorted({entry["partition"] for entry in self.open(name).partitions()})
        except TableNotFoundError:
            return []

    def row_counts(self, name: str) -> dict[str, int]:
        """Return the rows of each partition that holds any, from the commit log alone."""
        try:
            files = pa.table(self.open(name).get_add_actions(flatten=True))
        except TableNotFoundError:
            return {}
        counts: dict[str, int] = {}
        for key, rows in zip(files["partition.partition"].to_pylist(), files["num_records"].to_pylist(), strict=True):
            counts[key] = counts.get(key, 0) + rows
        return counts

    def contents(
        self, name: str, partitions: Sequence[str] = (WHOLE,), *, final: bool = False
    ) -> dict[str, int | None]:
        """Return the content identity of each partition, None where it was never written, or not finally if asked."""
        known = self._transactions(name)
        return {
            key: known.get(f"content/{key}") if not final or f"final/{key}" in known else None for key in partitions
        }

    def inputs(self, name: str, partitions: Sequence[str] = (WHOLE,)) -> dict[str, int | None]:
        """Return the identity of the inputs from which each partition was last made, None where never written."""
        known = self._transactions(name)
        return {key: known.get(f"inputs/{key}") for key in partitions}

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
        standing: Standing | None = None,
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
            standing: of the rows; provisional ones leave partitions alone that are final.
            details: further JSON for the commit's metadata.

        Raises:
            CommitConflict: other writers won every attempt.
            UndeclaredChange: the table on disk has another schema than the declaration.
        """
        table, within = self.tables[name], dict(within or {})
        check_keys(table, partitions, within)
        parts = split_by_partition(table, conform(rows, table), partitions, within)
        content = content_identities(parts, table)
        stated = {key: identity for key, identity in (inputs or {}).items() if key in parts}
        suffix = "".join(f"/{value}" for value in within.values())
        for attempt in range(_ATTEMPTS):
            log = self.made_log(name)
            change = change_of(log, content, stated, suffix, standing)
            if not change.touched:
                return Written(log.version, False, ())
            metadata = commit_metadata(
                run, change.touched, input_versions=input_versions, accounting=accounting, details=details
            )
            made = pa.concat_tables([parts[key] for key in change.touched])
            delta = self.open_checked(name, log.version)
            predicate = predicate_of(table, change.touched, within)
            if replace_rows(delta, made, metadata, change.transactions, predicate):
                return Written(delta.version(), bool(change.changed), change.changed, change.restated, change.finalized)
            _wait(attempt)
        raise CommitConflict(f"table {name}, partitions {list(partitions)}: {_ATTEMPTS} attempts to commit failed")

    def append_once(self, name: str, rows: pa.Table, *, run: Run, delivery: str, details: Mapping[str, Any]) -> Written:
        """Append rows under a delivery name; the same delivery again does nothing."""
        return self.append_each(name, {delivery: rows}, run=run, details=details)

    def append_each(
        self, name: str, deliveries: Mapping[str, pa.Table], *, run: Run, details: Mapping[str, Any]
    ) -> Written:
        """Append deliveries in one commit; those that stand there already do nothing.

        Args:
            name: declared table.
            deliveries: rows in the declared columns, by what makes a delivery unique, such as partition and checksum.
            run: who writes.
            details: JSON for the commit's metadata.
        """
        table = self.tables[name]
        for attempt in range(_ATTEMPTS):
            log = self.made_log(name)
            new = [key for key in deliveries if f"delivery/{key}" not in log.transactions]
            if not new:
                return Written(log.version, False, ())
            rows = conform(pa.concat_tables([deliveries[key] for key in new]), table)
            keys = sorted(rows["partition"].unique().to_pylist()) if table.is_partitioned else [WHOLE]
            transactions = [Transaction(f"delivery/{key}", 1) for key in new]
            delta = self.open_checked(name, log.version)
            if not append_rows(delta, rows, commit_metadata(run, keys, details=details), transactions):
                _wait(attempt)
                continue
            return Written(delta.version(), True, tuple(keys))
        raise CommitConflict(f"table {name}, {len(deliveries)} deliveries: {_ATTEMPTS} attempts to commit failed")

    # -- the tables themselves ----------------------------------------------------------------------------------------

    def uri(self, name: str) -> str:
        """Return where the table is kept."""
        return f"{self.root}/{self.tables[name].name}"

    def log(self, name: str) -> TableLog | None:
        """Return a table's version and transactions, None where it does not exist yet."""
        return read_log(self.uri(name), self.storage_options)

    def open(self, name: str, version: int | None = None) -> DeltaTable:
        """Return a table as the library has it; TableNotFoundError where it does not exist yet."""
        return DeltaTable(self.uri(name), version=version, storage_options=self.storage_options)

    def made_log(self, name: str) -> TableLog:
        """Return the log of a table, which is created if it does not exist yet."""
        if (log := self.log(name)) is not None:
            return log
        table, uri = self.tables[name], self.uri(name)
        with writing(uri):
            DeltaTable.create(
                uri, arrow_schema(table), mode="ignore",
                partition_by=["partition"] if table.is_partitioned else None,
                name=table.name, description=table.description,
                configuration=_CONFIGURATION, storage_options=self.storage_options,
            )  # fmt: skip
        return self.made_log(name)

    def open_checked(self, name: str, version: int) -> DeltaTable:
        """Return a table at a version: a commit on it fails if somebody has written the same partitions since."""
        table, delta = self.tables[name], self.open(name, version)
        if table.name not in self._checked:
            self.check_schema(table, delta)
            self._checked.add(table.name)
        return delta

    def _transactions(self, name: str) -> Mapping[str, int]:
        log = self.log(name)
        return {} if log is None else log.transactions

    def check_schema(self, table: Table, delta: DeltaTable) -> None:
        """Refuse a table on disk whose schema is not the declared one."""
        if differences := schema_differences(table, pa.schema(delta.schema().to_arrow())):
            raise UndeclaredChange(
                f"table {table.name} at {self.uri(table.name)}: {'; '.join(differences)}. "
                f"Declared new columns are added by `catena table {table.name} --add-columns`."
            )


def _wait(attempt: int) -> None:
    """Back off after a conflict, by chance, so that two writers do not meet again."""
    time.sleep(random.uniform(0.02, 0.05) * 2**attempt)  # noqa: S311 - no secret hangs on it
