"""Draining by hand: once, or again and again until nothing comes, with the sum by stream.

One drain belongs in `catena.chain.streaming.stream`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from catena.chain.streaming.landing import Limits
from catena.chain.streaming.stream import drain_streams
from catena.declaration import UseCase
from catena.run import Run
from catena.workspace import Workspace


@dataclass(frozen=True)
class Drained:
    """What came of a stream in one or more drains.

    Attributes:
        changed: days of which a clean table has another content.
        closed: days of which events came after their file was ingested.
    """

    stream: str
    records: int = 0
    late: int = 0
    dead: int = 0
    commits: int = 0
    conflicts: int = 0
    changed: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()

    def with_drain(self, said: dict[str, Any]) -> Drained:
        """Return the sum with what one drain says of the stream."""
        sums: dict[str, Any] = {name: getattr(self, name) + said[name] for name in _COUNTS}
        sums |= {name: tuple(sorted({*getattr(self, name), *said[name]})) for name in _DAYS}
        return replace(self, **sums)


_COUNTS = ("records", "late", "dead", "commits", "conflicts")
_DAYS = ("changed", "closed")


def drain(workspace: Workspace, usecase: UseCase, run: Run, limits: Limits, *, until_idle: bool) -> list[Drained]:
    """Drain the streams of a use case, once or until a drain finds no record, and return what came by stream.

    Raises:
        StreamError: a broker does not answer, or no longer holds what comes next; what was committed stands.
    """
    total = {stream.name: Drained(stream.name) for stream in usecase.streams}
    while True:
        details = drain_streams(workspace, usecase, run, limits).details
        total = {name: each.with_drain(details[name]) for name, each in total.items()}
        if not until_idle or not any(details[name]["records"] for name in total):
            return list(total.values())
