"""CSV bytes as rows of text with their line numbers; faults of the whole file are told apart.

Where the bytes come from belongs in `catena.sources.files`.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from catena.declaration import FileSource
from catena.sources.delivery import Malformed
from catena.sources.fault import SourceFault

_DELIMITERS = ",;\t|"
_RESEND = "Ask upstream to send the file again in the agreed form."


def parse(
    data: bytes, source: FileSource, names: Sequence[str], file: str
) -> tuple[pa.Table, pa.Array, tuple[Malformed, ...], tuple[str, ...]]:
    """Return rows of text, their line numbers, malformed lines and warnings.

    Raises:
        SourceFault: the bytes are no such CSV file.
    """
    data = _utf8(data, source.encoding, file).rstrip(b"\r\n")
    if not data.strip():
        raise SourceFault(file, "empty_file", "The file holds no text.", _RESEND)
    delivered = _header(data, source, names, file)
    if b"\n" not in data:
        raise SourceFault(file, "header_only", "The file has a header and no rows.", _RESEND)
    malformed: list[Malformed] = []

    def note(row: Any) -> str:
        reason = f"{row.actual_columns} fields instead of {row.expected_columns}"
        malformed.append(Malformed(row.number, row.text, reason))
        return "skip"

    try:
        rows = pacsv.read_csv(
            pa.BufferReader(data),
            # One block and one thread: rows keep their numbers, and no line is too long for a block.
            read_options=pacsv.ReadOptions(use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)),
            parse_options=pacsv.ParseOptions(
                delimiter=source.delimiter,
                newlines_in_values=b'"' in data,
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(delivered, pa.string()),
                strings_can_be_null=False,
                include_columns=list(names),
            ),
        )
    except pa.ArrowInvalid as error:
        raise SourceFault(file, "unreadable", f"{error}.", _RESEND) from error
    extra = [name for name in delivered if name not in names]
    warnings = (f"extra columns {extra} are ignored",) if extra else ()
    lines = _line_numbers(rows, [bad.line_number for bad in malformed], may_break=b'"' in data)
    return rows, lines, tuple(malformed), warnings


def _utf8(data: bytes, encoding: str, file: str) -> bytes:
    """Return the text as UTF-8 without a byte order mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not encoding.lower().startswith("utf-16"):
        raise SourceFault(file, "encoding", f"The file begins like UTF-16, the contract says {encoding}.", _RESEND)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceFault(
            file,
            "encoding",
            f"Byte {error.start} on line {line} ({data[error.start : error.start + 4].hex(' ')}) is not {encoding}.",
            _RESEND,
        ) from error
    return data if encoding.lower().replace("-", "") == "utf8" else text.encode()


def _header(data: bytes, source: FileSource, names: Sequence[str], file: str) -> list[str]:
    """Return the delivered column names after checking that the declared ones are among them."""
    line = data.split(b"\n", 1)[0].decode().rstrip("\r")
    delivered = next(csv.reader(io.StringIO(line), delimiter=source.delimiter))
    missing = [name for name in names if name not in delivered]
    if missing and len(delivered) <= 2:
        for other in _DELIMITERS:
            if set(next(csv.reader(io.StringIO(line), delimiter=other))) >= set(names) and len(names) > 1:
                raise SourceFault(
                    file,
                    "delimiter",
                    f"Line 1 is separated by {other!r}, the contract says {source.delimiter!r}.",
                    _RESEND,
                )
    if missing:
        extra = [name for name in delivered if name not in names]
        instead = f"; instead there are {extra}" if extra else ""
        raise SourceFault(file, "missing_column", f"Line 1 lacks the columns {missing}{instead}.", _RESEND)
    if len(set(delivered)) != len(delivered):
        twice = sorted({name for name in delivered if delivered.count(name) > 1})
        raise SourceFault(file, "repeated_column", f"Line 1 names {twice} more than once.", _RESEND)
    return delivered


def _line_numbers(rows: pa.Table, malformed: list[int], *, may_break: bool) -> pa.Array:
    """Return the line of each row.

    Args:
        malformed: record numbers of the lines between the rows that are no rows.
        may_break: whether a quoted value may hold a line break.
    """
    records = np.arange(2, rows.num_rows + len(malformed) + 2, dtype=np.int64)
    records = np.delete(records, np.asarray(malformed, dtype=np.int64) - 2) if malformed else records
    breaks = np.zeros(rows.num_rows, dtype=np.int64)
    for column in rows.columns if may_break else ():
        if pc.any(pc.match_substring(column, "\n")).as_py():
            breaks += pc.count_substring(column, "\n").to_numpy()
    return pa.array(records + np.cumsum(breaks) - breaks)
