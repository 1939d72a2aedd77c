"""Upkeep of Delta tables: many small files become few, what no kept version needs is deleted, the log is summed up.

Readers and writers go on meanwhile: where a writer was faster, the work is left to the next time. Which tables may lose
their old versions does not follow from here but from what rests on them: `catena.chain.upkeep`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from catena.lake.commit import COMMIT_ONLY, WHOLE, commit_metadata, writing
from catena.lake.lake import Lake
from catena.run import Run

_TOMBSTONES = "delta.deletedFileRetentionDuration"


@dataclass(frozen=True)
class Plan:
    """What is done to a table.

    Attributes:
        retention_hours: how long a version can be read after it was replaced; None keeps every version for ever.
        small_files: a partition with so many small files is compacted.
        small_bytes: a file below this is small.
    """

    retention_hours: int | None = None
    small_files: int = 8
    small_bytes: int = 16 * 2**20


@dataclass(frozen=True)
class Upkept:
    """What was done to a table; counts and bytes of files are those of the current version.

    Attributes:
        compacted: partitions whose files were rewritten.
        deleted_files: files that no kept version needs, the leavings of killed writers included.
        is_checkpointed: whether the log was summed up at `version_after`.
        conflict: what was left to the next time because a writer was faster; empty: nothing.
    """

    table: str
    version_before: int
    version_after: int
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    compacted: tuple[str, ...] = ()
    deleted_files: int = 0
    is_checkpointed: bool = False
    conflict: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether files were rewritten or deleted."""
        return bool(self.compacted or self.deleted_files)


def maintain_table(lake: Lake, name: str, run: Run, plan: Plan) -> Upkept | None:
    """Compact, vacuum and checkpoint a table; None where it does not exist yet.

    The rows stay, and so do the transactions that ride on the log: identities of content and inputs, positions of logs.
    """
    try:
        delta = lake.open(name)
    except TableNotFoundError:
        return None
    count, size, crowded = _files(delta, plan)
    done = Upkept(name, delta.version(), delta.version(), count, count, size, size)
    try:
        if crowded:
            _compact(delta, crowded, run, is_partitioned=lake.tables[name].is_partitioned)
            done = replace(done, compacted=tuple(crowded))
        if plan.retention_hours is not None:
            done = replace(done, deleted_files=_vacuum(delta, run, plan.retention_hours))
    except CommitFailedError as error:
        # What was committed before stands; the rest finds the same work tomorrow.
        done = replace(done, conflict=str(error))
    now = lake.open(name)
    count, size, _ = _files(now, plan)
    done = replace(done, version_after=now.version(), files_after=count, bytes_after=size)
    log = lake.made_log(name)
    if log.checkpoint == log.version:
        return done
    # Of this version and not of a newer one: a writer's own checkpoint may come in between, and is as good.
    with writing(now.table_uri):
        now.create_checkpoint()
    return replace(done, is_checkpointed=True)


def _files(delta: DeltaTable, plan: Plan) -> tuple[int, int, list[str]]:
    """Return the number of files, their bytes, and the partitions that have many small ones."""
    files = pa.table(delta.get_add_actions(flatten=True))
    sizes = files["size_bytes"].to_pylist()
    is_partitioned = "partition.partition" in files.column_names
    keys = files["partition.partition"].to_pylist() if is_partitioned else [WHOLE] * len(sizes)
    small = Counter(key for key, size in zip(keys, sizes, strict=True) if size < plan.small_bytes)
    return len(sizes), sum(sizes), sorted(key for key, count in small.items() if count >= plan.small_files)


def _compact(delta: DeltaTable, partitions: list[str], run: Run, *, is_partitioned: bool) -> None:
    # No partition changes its content: whoever asks the commits which days got records must not hear of these.
    metadata = commit_metadata(run, [], details={"compacted": partitions})
    only: Any = [("partition", "in", partitions)] if is_partitioned else None
    properties = CommitProperties(custom_metadata=metadata)
    delta.optimize.compact(partition_filters=only, commit_properties=properties, post_commithook_properties=COMMIT_ONLY)


def _vacuum(delta: DeltaTable, run: Run, hours: int) -> int:
    """Delete what no version of the last hours needs; return how many files.

    The table's own configuration is set to the retention first: else each checkpoint would carry every file that was
    ever replaced, and each vacuum delete them all again.
    """
    properties = CommitProperties(custom_metadata=commit_metadata(run, [], details={"retention_hours": hours}))
    declared = f"interval {hours} hours"
    if delta.metadata().configuration.get(_TOMBSTONES) != declared:
        delta.alter.set_table_properties({_TOMBSTONES: declared}, commit_properties=properties)
    # A full one also finds files that a killed writer never committed; it spares what is younger than the retention.
    if not (stale := delta.vacuum(hours, dry_run=True, full=True)):
        return 0
    delta.vacuum(hours, dry_run=False, full=True, commit_properties=properties)
    return len(stale)
