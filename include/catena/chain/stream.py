"""The stream link: land what came in every stream, bring the clean tables up to it, and say which days changed.

Days whose file has been ingested are closed: events that come for them are kept and left to the reconciliation.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.stream_alarm import watch_lag
from catena.chain.stream_hours import clock_of, judge_hours
from catena.chain.stream_landing import Landed, Limits, land_stream
from catena.chain.stream_merge import Merged, merge_stream, merging
from catena.declaration import UseCase
from catena.lake import Lake
from catena.run import Outcome, Run
from catena.workspace import Workspace

# Commits of a clean table among which a retry looks for its own: a try makes one for each stream.
_REMEMBERED = 100


def drain_streams(workspace: Workspace, usecase: UseCase, run: Run, limits: Limits | None = None) -> Outcome:
    """Drain every stream of a use case and merge it.

    A run that died anywhere is completed by the next one: what was landed and not merged is merged first.

    Returns:
        The outcome with the days whose clean tables changed; `details` holds, by stream, what came, how long it had
        waited, and the days that are closed.
    """
    lake = workspace.lake(usecase)
    details: dict[str, Any] = {}
    changed: set[str] = set()
    closed: set[str] = set()
    records = 0
    for stream in usecase.streams:
        clock = clock_of(lake, stream)
        landed = land_stream(workspace, usecase, stream, run, limits or Limits())
        # Before the merge: what fails here keeps nobody from hearing of days that changed.
        punctuality = watch_lag(workspace, usecase, stream, landed, run)
        hours = judge_hours(workspace, usecase, stream, run, clock)
        # In turns, with the reconciliation too: who publishes an older set of events after a newer one loses events.
        with exclusively(workspace.engine, merging(usecase)):
            merged = merge_stream(lake, usecase, stream, run)
        details[stream.name] = _said(landed, merged) | asdict(punctuality) | {"hours": hours}
        records += landed.records
        changed.update(merged.changed)
        closed.update(merged.closed)
    if run.try_number > 1:
        # The try before may have died between a commit and its event.
        changed.update(_committed_by(lake, usecase, run))
    details["closed"] = sorted(closed)
    if not changed:
        reason = f"{records} records came, and no day changed" if records else "nothing came"
        return Outcome("unchanged", reason, (), details=details)
    said = f"{records} records came, {len(changed)} days changed"
    return Outcome("published", said, tuple(sorted(changed)), details=details)


def _committed_by(lake: Lake, usecase: UseCase, run: Run) -> set[str]:
    """Return the days that this run has written in its tries, as the newest commits of the clean tables tell."""
    fed = [usecase.dataset(feed.dataset) for stream in usecase.streams for feed in stream.feeds]
    tables = [clean.table for dataset in fed for clean in dataset.clean if lake.version(clean.table) is not None]
    commits = [entry for table in tables for entry in lake.open(table).history(_REMEMBERED)]
    own = [entry for entry in commits if entry.get("catena.run_id") == run.run_id]
    return {day for entry in own for day in json.loads(entry["catena.partitions"])}


def _said(landed: Landed, merged: Merged) -> dict[str, Any]:
    return {**asdict(landed), "changed": list(merged.changed), "closed": list(merged.closed)}
