"""Reads one delivered file from any place that fsspec knows; `.gz` files are unpacked.

What the bytes mean as CSV belongs in `catena.sources.text`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Sequence

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from catena.declaration import Column, FileSource
from catena.sources.delivery import Delivery
from catena.sources.fault import MissingDelivery, SourceFault
from catena.sources.text import parse


def read_file(source: FileSource, columns: Sequence[Column], landing_root: str, partition: str) -> Delivery:
    """Return what lies in the file of a partition.

    Raises:
        MissingDelivery: there is no file.
        SourceFault: the file cannot be read as a whole.
    """
    file = source.path.format(partition=partition)
    try:
        with fsspec.open(f"{landing_root}/{file}", "rb") as stream:
            packed: bytes = stream.read()
    except FileNotFoundError as error:
        raise MissingDelivery(file) from error
    checksum = hashlib.sha256(packed).hexdigest()
    names = [column.name for column in columns]
    try:
        data = _unpacked(packed, file)
        if source.format == "parquet":
            rows, warnings = _parquet(data, names, file)
            lines = pa.array(range(2, rows.num_rows + 2), pa.int64())
            return Delivery(partition, file, checksum, rows, lines, (), warnings)
        rows, lines, malformed, warnings = parse(data, source, names, file)
    except SourceFault as fault:
        fault.checksum = checksum
        raise
    return Delivery(partition, file, checksum, rows, lines, malformed, warnings, source.null)


def _unpacked(data: bytes, file: str) -> bytes:
    if not file.endswith(".gz"):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceFault(
            file,
            "truncated",
            f"The compressed file is broken after {len(data):,} bytes: {error}.",
            "Transfer it again.",
        ) from error


def _parquet(data: bytes, names: list[str], file: str) -> tuple[pa.Table, tuple[str, ...]]:
    try:
        # In this thread alone: others might still hold the data, a Python object, when the interpreter ends.
        rows = pq.ParquetFile(io.BytesIO(data)).read(use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceFault(file, "unreadable", f"{error}.", "Transfer it again.") from error
    if missing := [name for name in names if name not in rows.column_names]:
        raise SourceFault(
            file,
            "missing_column",
            f"The file lacks the columns {missing}; it has {rows.column_names}.",
            "Ask upstream to send the file again in the agreed form.",
        )
    if not rows.num_rows:
        raise SourceFault(file, "header_only", "The file has columns and no rows.", "Ask upstream for the rows.")
    extra = [name for name in rows.column_names if name not in names]
    return as_text(rows.select(names)), ((f"extra columns {extra} are ignored",) if extra else ())


def as_text(rows: pa.Table) -> pa.Table:
    """Return typed rows as the text that the same values have in a file; timestamps as UTC with Z."""
    arrays = []
    for column in rows.columns:
        # A time without a zone gets none: it is no instant, and the contract's type refuses it.
        microseconds = pa.timestamp("us", "UTC" if getattr(column.type, "tz", None) else None)
        values = column.cast(microseconds) if pa.types.is_timestamp(column.type) else column
        arrays.append(values.cast(pa.string()))
    return pa.table(arrays, names=rows.column_names)
