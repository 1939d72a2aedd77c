"""The files of a Delta table as Arrow reads them.

Which files, and what their rows mean, belongs in `catena.lake.lake` and `catena.lake.events`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.dataset
import pyarrow.fs
from deltalake import DeltaTable


def files_of(delta: DeltaTable, partitions: Sequence[str] | None = None) -> pyarrow.dataset.Dataset:
    """Return the files of a table at its version; those of other partitions are left out before they are set up.

    Arrow opens local files itself. Through the library's file system, which is written in Python, its threads hold
    Python objects, and give them back at their leisure: one that does so while the interpreter ends is cut off by
    Python and takes the process down with SIGABRT ('terminate called without an active exception'), after all work
    was done. An object store has no other way; what ends by `os._exit`, as Airflow's tasks do, never gets there.
    """
    only: Any = None if partitions is None else [("partition", "in", list(partitions))]
    files = None
    if delta.table_uri.startswith("file:"):
        found, folder = pyarrow.fs.FileSystem.from_uri(delta.table_uri)
        files = pyarrow.fs.SubTreeFileSystem(folder, found)
    return delta.to_pyarrow_dataset(filesystem=files, file_pruning_predicate=only)
