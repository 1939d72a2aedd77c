"""What downstream has not heard yet of the days that streams changed, kept in the tables and not with any run.

A run that dies for good between its commits and its events leaves its news to the next one. Recorded as heard is only
what the scheduler has taken: so downstream may hear twice, which changes nothing there, and never not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from catena.declaration import Stream, UseCase
from catena.lake import EventTable, Lake
from catena.run import Run
from catena.workspace import Workspace

# Commits of others on a clean table that are looked through again and again before that is recorded.
_LOOKED_THROUGH = 100


@dataclass(frozen=True)
class News:
    """What is to be told.

    Attributes:
        days: of which a clean table was changed since downstream last heard.
        versions: by stream and clean table, the version up to which this looks.
    """

    days: frozenset[str]
    versions: dict[str, dict[str, int]]


def news_of(lake: Lake, usecase: UseCase, run: Run) -> News:
    """Return the days that streams changed and of which nobody was told; days whose file came are told by the ingest.

    A drain by hand tells nobody: its days are news to the next run of the DAG.
    """
    days: set[str] = set()
    versions: dict[str, dict[str, int]] = {}
    for stream in usecase.streams:
        table = EventTable(lake, stream.table)
        heard = table.announced()
        now: dict[str, int] = {}
        untold: set[str] = set()
        for name in _fed_tables(usecase, stream):
            version = lake.version(name)
            if version is None or version == heard.get(name):
                continue
            now[name] = version
            untold |= _changed(lake, name, heard.get(name), version)
        if untold:
            versions[stream.name] = now
        elif any(version - heard.get(name, 0) >= _LOOKED_THROUGH for name, version in now.items()):
            table.record_announced(now, run)
        days |= untold
    return News(frozenset(days), versions)


def record_heard(workspace: Workspace, usecase: UseCase, run: Run, versions: Mapping[str, Mapping[str, int]]) -> None:
    """Record that downstream has heard of what streams changed, by stream up to these versions of clean tables."""
    lake = workspace.lake(usecase)
    for stream, heard in versions.items():
        EventTable(lake, usecase.stream(stream).table).record_announced(heard, run)


def _fed_tables(usecase: UseCase, stream: Stream) -> list[str]:
    return [clean.table for feed in stream.feeds for clean in usecase.dataset(feed.dataset).clean]


def _changed(lake: Lake, name: str, since: int | None, version: int) -> set[str]:
    """Return the days that drains wrote between two versions and that are still open."""
    commits = lake.open(name, version).history(None if since is None else version - since)
    own = [entry for entry in commits if entry.get("catena.link") == "stream"]
    days = sorted({day for entry in own for day in json.loads(entry["catena.partitions"])})
    final = lake.contents(name, days, final=True)
    return {day for day in days if final[day] is None}
