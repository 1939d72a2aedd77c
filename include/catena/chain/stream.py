"""The stream link: land what came in every stream, bring the clean tables up to it, and say which days changed.

Days whose file has been ingested are closed: events that come for them are kept and left to the reconciliation.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.stream_landing import Landed, Limits, land_stream
from catena.chain.stream_merge import Merged, merge_stream
from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena.workspace import Workspace


def drain_streams(workspace: Workspace, usecase: UseCase, run: Run, limits: Limits | None = None) -> Outcome:
    """Drain every stream of a use case and merge it.

    A run that died anywhere is completed by the next one: what was landed and not merged is merged first.

    Returns:
        The outcome with the days whose clean tables changed; `details` holds, by stream, what came, and the days that
        are closed.
    """
    lake = workspace.lake(usecase)
    details: dict[str, Any] = {}
    changed: set[str] = set()
    closed: set[str] = set()
    records = 0
    for stream in usecase.streams:
        landed = land_stream(workspace, usecase, stream, run, limits or Limits())
        # Who merged beside us and read earlier would write an older state of a day over a newer one.
        with exclusively(workspace.engine, (usecase.name, "stream", stream.name)):
            merged = merge_stream(lake, usecase, stream, run)
        details[stream.name] = _said(landed, merged)
        records += landed.records
        changed.update(merged.changed)
        closed.update(merged.closed)
    details["closed"] = sorted(closed)
    if not changed:
        reason = f"{records} records came, and no day changed" if records else "nothing came"
        return Outcome("unchanged", reason, (), details=details)
    said = f"{records} records came, {len(changed)} days changed"
    return Outcome("published", said, tuple(sorted(changed)), details=details)


def _said(landed: Landed, merged: Merged) -> dict[str, Any]:
    return {**asdict(landed), "changed": list(merged.changed), "closed": list(merged.closed)}
