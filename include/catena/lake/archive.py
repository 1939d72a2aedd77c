"""The archive: rows and documents that are written once under the digest of their content, and never changed.

What must outlive the tables it was read from is kept here, beside them: no upkeep looks at it. What is kept, and why,
belongs in the links.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet
from deltalake.exceptions import TableNotFoundError
from deltalake.fs import DeltaStorageHandler

from catena.lake.commit import writing
from catena.lake.content import content_digests


class ArchiveDamaged(RuntimeError):
    """What the archive should hold under a digest is not there, or is something else."""


class Archive:
    """Files below one root.

    Args:
        root: folder or URL.
        storage_options: of the object store, if it is one.
    """

    def __init__(self, root: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.root = root.rstrip("/")
        self._options = dict(storage_options or {}) or None

    def keep_rows(self, parts: Mapping[str, pa.Table]) -> dict[str, str]:
        """Keep each part under the digest of its rows in their order, and return the digests.

        A part that is there already, by whatever name it was kept then, is not written again.
        """
        digests = content_digests(parts)
        files = self._made()
        there = {info.base_name for info in files.get_file_info(pyarrow.fs.FileSelector("rows", allow_not_found=True))}
        for key, digest in digests.items():
            if f"{digest}.parquet" not in there:
                buffer = io.BytesIO()
                pyarrow.parquet.write_table(parts[key], buffer, compression="zstd")
                self._write(files, f"rows/{digest}.parquet", buffer.getvalue())
                there.add(f"{digest}.parquet")
        return digests

    def rows(self, digests: Sequence[str]) -> list[pa.Table]:
        """Return what was kept under digests, in their order, checked against them.

        Raises:
            ArchiveDamaged: naming the file.
        """
        found = [self.stored_rows(digest) for digest in digests]
        actual = content_digests({str(at): rows for at, rows in enumerate(found)})
        for at, digest in enumerate(digests):
            if actual[str(at)] != digest:
                raise ArchiveDamaged(
                    f"{self.file_of(digest)} holds other rows than were kept under its name: restore it from a copy"
                )
        return found

    def stored_rows(self, digest: str) -> pa.Table:
        """Return what stands under a digest, unchecked.

        Raises:
            ArchiveDamaged: nothing, or no rows at all.
        """
        content = self._read(f"rows/{digest}.parquet")
        if content is None:
            raise ArchiveDamaged(f"{self.file_of(digest)} is not there: restore it from a copy")
        try:
            # In this thread: a day is small, and handing its columns round costs more than reading them.
            return pyarrow.parquet.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        except pa.ArrowException as error:
            raise ArchiveDamaged(f"{self.file_of(digest)} cannot be read ({error}): restore it from a copy") from error

    def keep_document(self, name: str, content: bytes) -> None:
        """Keep a document under a name that follows from its content; one that is there already stays."""
        if self.document(name) is None:
            self._write(self._made(), f"{name}.json", content)

    def document(self, name: str) -> bytes | None:
        """Return a document, None where none was kept under that name."""
        return self._read(f"{name}.json")

    def file_of(self, digest: str) -> str:
        """Return where rows are kept."""
        return f"{self.root}/rows/{digest}.parquet"

    def _made(self) -> pyarrow.fs.FileSystem:
        if "://" not in self.root:
            # A folder that is missing is none to write below; an object store has no folders.
            pyarrow.fs.LocalFileSystem().create_dir(f"{self.root}/rows", recursive=True)
        return self._there

    def _write(self, files: pyarrow.fs.FileSystem, name: str, content: bytes) -> None:
        # The store lets a file appear whole when it is closed; of two writers of the same content one wins. It takes
        # bytes alone, which Arrow hands on from a buffer that holds all of them.
        with (
            writing(self.root),
            pa.BufferedOutputStream(files.open_output_stream(name), buffer_size=len(content) + 1) as target,
        ):
            target.write(content)

    def _read(self, name: str) -> bytes | None:
        try:
            with self._there.open_input_file(name) as source:
                return bytes(source.read())
        except (FileNotFoundError, TableNotFoundError):
            return None

    @cached_property
    def _there(self) -> pyarrow.fs.FileSystem:
        return pyarrow.fs.PyFileSystem(DeltaStorageHandler(self.root, self._options))
