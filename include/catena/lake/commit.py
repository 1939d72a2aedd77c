"""One commit of the lake: its rows by partition, its predicate, its metadata, and one attempt to make it.

What to commit, and doing it again after a conflict, belongs in `catena.lake.lake`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from catena.declaration import Table
from catena.lake.log import TableLog
from catena.lake.schema import check_primary_key, sorted_by_key
from catena.run import Accounting, Run

# Key under which an unpartitioned table keeps its identities.
WHOLE = "whole"
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# The library's messages are laid out for a terminal.
_LAYOUT = re.compile(r"(\x1b\[[0-9;]*m|↳|\s)+")
# The library's own checkpoint raises after the commit stands; ours is made by `_sum_up`, and the upkeep's by itself.
COMMIT_ONLY = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_COMMITS_OF_CHECKPOINT = 20

log = logging.getLogger(__name__)


Standing = Literal["final", "provisional"]
"""Final content replaces provisional content, and never the other way round."""


class VersionGone(RuntimeError):
    """Files of a version were deleted by the upkeep: it was replaced longer ago than the retention."""

    def __init__(self, table: str, version: int, error: Exception) -> None:
        super().__init__(
            f"table {table}, version {version}: {str(error).splitlines()[0]}. The upkeep keeps replaced files of raw "
            "and event tables for CATENA_VACUUM_RETENTION_HOURS; every row of an old version stands in the current one."
        )


@dataclass(frozen=True)
class Written:
    """What a write did: the table version that holds the content, and whether this call made it.

    Attributes:
        restated_partitions: those of the changed partitions that had stood there with another content.
        finalized_partitions: those that had stood there provisionally and are final now, changed or not.
    """

    version: int
    is_changed: bool
    changed_partitions: tuple[str, ...]
    restated_partitions: tuple[str, ...] = ()
    finalized_partitions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a write would change of a table as its log shows it.

    Attributes:
        touched: partitions to commit: another content, made from other inputs, or final for the first time.
        changed: those with another content.
        restated: those of them that had stood there.
        finalized: those that had stood there provisionally.
        transactions: what the commit says of them.
    """

    touched: list[str]
    changed: tuple[str, ...]
    restated: tuple[str, ...]
    finalized: tuple[str, ...]
    transactions: list[Transaction]


def change_of(
    log: TableLog, content: Mapping[str, int], inputs: Mapping[str, int], suffix: str, standing: Standing | None
) -> Change:
    """Return what a write of these contents would change.

    Args:
        log: the table as it is.
        content: identity of the new content of each partition.
        inputs: identity of what a partition is made from, where the writer says it.
        suffix: tells the parts of a table that datasets share.
        standing: of what is written; provisional content leaves final partitions alone.
    """

    def recorded(kind: str, key: str) -> int | None:
        return log.transactions.get(f"{kind}/{key}{suffix}")

    keys = [key for key in content if standing != "provisional" or recorded("final", key) is None]
    stood = {key: recorded("content", key) for key in keys}
    changed = tuple(key for key in keys if content[key] != stood[key])
    remade = [key for key in keys if key in inputs and inputs[key] != recorded("inputs", key)]
    settled = [key for key in keys if standing == "final" and recorded("final", key) is None]
    touched = sorted({*changed, *remade, *settled})
    return Change(
        touched,
        changed,
        tuple(key for key in changed if stood[key] is not None),
        tuple(key for key in settled if stood[key] is not None),
        [
            *(Transaction(f"content/{key}{suffix}", content[key]) for key in touched),
            *(Transaction(f"inputs/{key}{suffix}", inputs[key]) for key in touched if key in inputs),
            *(Transaction(f"final/{key}{suffix}", 1) for key in settled),
        ],
    )


def check_keys(table: Table, partitions: Sequence[str], within: Mapping[str, str]) -> None:
    """Refuse keys that do not fit the table, before they could replace more than was meant.

    Raises:
        ValueError: naming the table and the keys.
    """
    if bad := [key for key in (*partitions, *within.values()) if not _KEY.fullmatch(key)]:
        raise ValueError(f"table {table.name}: {bad} are no partition keys")
    # The part of a shared table that reference data own (their quarantine) is a partition named like the whole.
    if table.is_partitioned and WHOLE in partitions and not within:
        raise ValueError(f"table {table.name} is partitioned: name the partitions that the write replaces")
    if not table.is_partitioned and (tuple(partitions) != (WHOLE,) or within):
        raise ValueError(f"table {table.name} is not partitioned: a write replaces it whole, not {list(partitions)}")


def split_by_partition(
    table: Table, rows: pa.Table, partitions: Sequence[str], within: Mapping[str, str]
) -> dict[str, pa.Table]:
    """Return the rows of each partition in the order of their key, an empty table where a partition has none.

    Raises:
        SchemaMismatch: rows of a partition share a primary key.
        ValueError: rows of other partitions, or outside `within`, would be added without being replaced next time.
    """
    for column, value in within.items():
        if stray := sorted(set(rows[column].unique().to_pylist()) - {value}):
            raise ValueError(f"table {table.name}: rows with {column} {stray} in a write within {value!r}")
    if not table.is_partitioned:
        ordered = sorted_by_key(rows, table)
        check_primary_key(ordered, table)
        return {WHOLE: ordered}
    ordered = sorted_by_key(rows, table, first="partition")
    check_primary_key(ordered, table)
    counts = {item["values"]: item["counts"] for item in ordered["partition"].value_counts().to_pylist()}
    if stray := sorted(set(counts) - set(partitions)):
        raise ValueError(f"table {table.name}: rows of partitions {stray} in a write of {list(partitions)}")
    parts, start = {}, 0
    for key in sorted(partitions):
        parts[key] = ordered.slice(start, counts.get(key, 0))
        start += counts.get(key, 0)
    return parts


def predicate_of(table: Table, partitions: Sequence[str], within: Mapping[str, str]) -> str | None:
    """Return the predicate of the rows that a write replaces; None stands for the whole table."""
    if not table.is_partitioned:
        return None
    keys = ", ".join(f"'{key}'" for key in partitions)
    return " AND ".join([f"partition IN ({keys})", *(f"{column} = '{value}'" for column, value in within.items())])


def commit_metadata(
    run: Run,
    partitions: Sequence[str],
    *,
    input_versions: Mapping[str, int | None] | None = None,
    accounting: Accounting | None = None,
    details: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Return who made the commit, from what and with which row accounting, as Delta's commit metadata."""
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
        "catena.cpu_s": f"{run.cpu_s:.3f}",
    }


class WriteFailed(RuntimeError):
    """The storage refused a write, as a full disk does.

    The table holds whole commits only, and this one not.
    """

    def __init__(self, uri: str, error: Exception) -> None:
        said = _LAYOUT.sub(" ", str(error)).strip()
        super().__init__(
            f"table at {uri.rstrip('/')} cannot be written: {said}. What it holds is whole: "
            "remove the cause (room on the disk, a quota, permissions) and run again."
        )


@contextmanager
def writing(uri: str) -> Iterator[None]:
    """Let an error of the storage name the table; the library names at most a temporary file.

    Raises:
        WriteFailed: in its place.
    """
    try:
        yield
    except CommitFailedError:
        raise
    except (DeltaError, OSError) as error:
        raise WriteFailed(uri, error) from error


def replace_rows(
    delta: DeltaTable,
    rows: pa.Table,
    metadata: dict[str, str],
    transactions: list[Transaction],
    predicate: str | None,
) -> bool:
    """Replace what the predicate holds by the rows; return False where somebody else committed first."""
    properties = CommitProperties(custom_metadata=metadata, app_transactions=transactions)
    try:
        with writing(delta.table_uri):
            write_deltalake(
                delta, rows, mode="overwrite", predicate=predicate, commit_properties=properties,
                post_commithook_properties=COMMIT_ONLY,
            )  # fmt: skip
    except CommitFailedError:
        return False
    _sum_up(delta)
    return True


def append_rows(delta: DeltaTable, rows: pa.Table, metadata: dict[str, str], transactions: list[Transaction]) -> bool:
    """Add the rows; return False where somebody else committed first."""
    properties = CommitProperties(custom_metadata=metadata, app_transactions=transactions)
    try:
        with writing(delta.table_uri):
            write_deltalake(
                delta, rows, mode="append", commit_properties=properties, post_commithook_properties=COMMIT_ONLY
            )
    except CommitFailedError:
        return False
    _sum_up(delta)
    return True


def _sum_up(delta: DeltaTable) -> None:
    """Make the checkpoint that is due with this commit; where it fails, the commit stands all the same."""
    version = delta.version()
    if (version + 1) % _COMMITS_OF_CHECKPOINT:
        return
    try:
        delta.create_checkpoint()
    except (DeltaError, OSError) as error:
        log.warning(
            "table at %s: version %d is committed and stands, but its checkpoint cannot be written: %s. The next "
            "upkeep makes one (`catena maintain`); until then reading the log takes longer",
            delta.table_uri.rstrip("/"), version, _LAYOUT.sub(" ", str(error)).strip(),
        )  # fmt: skip
