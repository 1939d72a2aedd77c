"""The application transactions of a Delta table, read from its log in one pass.

The library answers for one transaction at a time and reads the log anew for each: 1 to 4 ms, where a link asks for
hundreds. Everything else about the log belongs to the library.
Source: the Delta protocol, https://github.com/delta-io/delta/blob/master/PROTOCOL.md, sections 'Delta Log Entries',
'Checkpoints', 'Last Checkpoint File' and 'Transaction Identifiers'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow.fs
import pyarrow.parquet
from deltalake.exceptions import TableNotFoundError
from deltalake.fs import DeltaStorageHandler


class UnreadableLog(RuntimeError):
    """A table's log lacks a file, or has a checkpoint of a kind that is not read here."""


@dataclass(frozen=True)
class TableLog:
    """A table at one version.

    Attributes:
        version: Delta version.
        transactions: application id -> the version that the application committed last.
        checkpoint: version of the newest checkpoint, None where there is none.
    """

    version: int
    transactions: Mapping[str, int] = field(repr=False)
    checkpoint: int | None = None


def read_log(uri: str, storage_options: Mapping[str, str] | None = None) -> TableLog | None:
    """Return a table's newest version with its application transactions, None where there is no table.

    Raises:
        UnreadableLog: naming the table and the file.
    """
    try:
        files = pyarrow.fs.PyFileSystem(DeltaStorageHandler(uri, dict(storage_options or {}) or None))
    except TableNotFoundError:
        # Of a local folder alone: an object store has none, and says so when the first file is read.
        return None
    hint = _content(files, "_delta_log/_last_checkpoint")
    checkpoint: dict[str, Any] | None = None if hint is None else json.loads(hint)
    found: dict[str, int] = {} if checkpoint is None else _of_checkpoint(files, uri, checkpoint)
    summed_up = None if checkpoint is None else int(checkpoint["version"])
    version = -1 if summed_up is None else summed_up
    while (commit := _content(files, f"_delta_log/{version + 1:020d}.json")) is not None:
        version += 1
        for line in commit.splitlines():
            if line.startswith(b'{"txn"'):
                entry = json.loads(line)["txn"]
                found[entry["appId"]] = entry["version"]
    return None if version < 0 else TableLog(version, found, summed_up)


def _of_checkpoint(files: pyarrow.fs.FileSystem, uri: str, checkpoint: Mapping[str, Any]) -> dict[str, int]:
    version, parts = int(checkpoint["version"]), checkpoint.get("parts")
    stem = f"_delta_log/{version:020d}.checkpoint"
    numbers = [f".{part:010d}.{parts:010d}" for part in range(1, parts + 1)] if parts else [""]
    found: dict[str, int] = {}
    for name in (f"{stem}{number}.parquet" for number in numbers):
        try:
            with files.open_input_file(name) as source:
                # In this thread alone: others would still hold the file, a Python object, when the interpreter ends.
                read = pyarrow.parquet.ParquetFile(source).read(columns=["txn"], use_threads=False)
                entries = read["txn"].combine_chunks().drop_null()
        except FileNotFoundError as error:
            raise UnreadableLog(
                f"{uri}: the log names a checkpoint of version {version}, but {name} is not there. Only single files "
                "and numbered parts are read: was the table written by an engine with checkpoints of version 2?"
            ) from error
        found |= dict(zip(entries.field("appId").to_pylist(), entries.field("version").to_pylist(), strict=True))
    return found


def _content(files: pyarrow.fs.FileSystem, name: str) -> bytes | None:
    try:
        with files.open_input_file(name) as source:
            return bytes(source.read())
    except FileNotFoundError:
        return None
