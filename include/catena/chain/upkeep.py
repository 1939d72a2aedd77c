"""The upkeep of a use case's tables, and which of them may lose old versions (docs/decisions/008).

How a table is compacted and vacuumed belongs in `catena.lake.upkeep`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from catena.declaration import UseCase
from catena.lake import Plan, maintain_table
from catena.run import Outcome, Run
from catena.workspace import Workspace


def maintain_tables(workspace: Workspace, usecase: UseCase, run: Run, retention_hours: int | None = None) -> Outcome:
    """Compact and checkpoint all tables of a use case, and vacuum those whose old versions are no evidence.

    Args:
        workspace: the installation.
        usecase: whose tables.
        run: who does it.
        retention_hours: how long replaced files are kept; None: as the settings say.

    Returns:
        The outcome; `details` holds what was done, by table, and which tables a writer kept from being finished.
    """
    lake = workspace.lake(usecase)
    hours = workspace.settings.vacuum_retention_hours if retention_hours is None else retention_hours
    loses_versions = append_only_tables(usecase)
    details: dict[str, Any] = {"retention_hours": hours, "tables": {}, "conflicts": []}
    versions: dict[str, int] = {}
    compacted = deleted = 0
    for name in lake.tables:
        done = maintain_table(lake, name, run, Plan(retention_hours=hours if name in loses_versions else None))
        if done is None:
            continue
        versions[name] = done.version_after
        if done.is_changed or done.is_checkpointed or done.conflict:
            details["tables"][name] = asdict(done)
        if done.conflict:
            details["conflicts"].append(name)
        compacted += bool(done.compacted)
        deleted += done.deleted_files
    again = f"; left to the next time for busy writers: {', '.join(details['conflicts'])}" * bool(details["conflicts"])
    if not details["tables"]:
        return Outcome("unchanged", f"{len(versions)} tables need nothing", versions=versions, details=details)
    said = f"{compacted} of {len(versions)} tables compacted, {deleted} files deleted{again}"
    return Outcome("published", said, versions=versions, details=details)


def append_only_tables(usecase: UseCase) -> set[str]:
    """Return the tables that only ever grow: every row of an old version stands in the current one, as it was."""
    raw = {dataset.raw_table for dataset in usecase.datasets if dataset.raw_table}
    return raw | {stream.table for stream in usecase.streams}
