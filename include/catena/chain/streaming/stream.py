"""The stream link: land what came in every stream, bring the clean tables up to it, and say which days changed.

Days whose file has been ingested are closed: events that come for them are kept and left to the reconciliation.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.streaming.alarm import watch_lag
from catena.chain.streaming.hours import clock_of, judge_hours
from catena.chain.streaming.landing import Landed, Limits, land_stream
from catena.chain.streaming.merge import Merged, merge_stream, merging
from catena.chain.streaming.news import news_of
from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena.streams.errors import StreamError
from catena.workspace import Workspace


def drain_streams(workspace: Workspace, usecase: UseCase, run: Run, limits: Limits | None = None) -> Outcome:
    """Drain every stream of a use case and merge it.

    A run that died anywhere is completed by the next one: what was landed and not merged is merged first. A stream that
    stops (its broker lost records, say) stops this run too, but only after the others were drained: their records must
    not wait at the broker, whose retention goes on, until a person has decided on the one that stopped. Downstream
    hears of the days they changed once a run comes to its end.

    Returns:
        The outcome with the days whose clean tables changed since downstream last heard; `details` holds, by stream,
        what came, how long it had waited, the days that are closed, and in `heard` what `record_heard` is to be given
        once downstream was told.

    Raises:
        StreamError: of the first stream that stopped, with notes on the others that did.
    """
    lake = workspace.lake(usecase)
    stopped: list[StreamError] = []
    details: dict[str, Any] = {}
    changed: set[str] = set()
    closed: set[str] = set()
    records = 0
    for stream in usecase.streams:
        clock = clock_of(lake, stream)
        try:
            landed = land_stream(workspace, usecase, stream, run, limits or Limits())
        except StreamError as error:
            stopped.append(error)
            continue
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
    if stopped:
        first, *more = stopped
        for other in more:
            first.add_note(f"Besides: {other}")
        raise first
    details["closed"] = sorted(closed)
    # Its own and what a run before it changed and could not tell; a run that was tried again finds here what it wrote.
    news = news_of(lake, usecase, run)
    told = changed | news.days
    if not told:
        reason = f"{records} records came, and no day changed" if records else "nothing came"
        return Outcome("unchanged", reason, (), details=details)
    details["heard"] = news.versions
    said = f"{records} records came, {len(changed)} days changed"
    if untold := len(told - changed):
        said += f"; {untold} changed before, and nobody was told"
    return Outcome("published", said, tuple(sorted(told)), details=details)


def _said(landed: Landed, merged: Merged) -> dict[str, Any]:
    return {**asdict(landed), "changed": list(merged.changed), "closed": list(merged.closed)}
