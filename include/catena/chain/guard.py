"""The guard: takes a failing model out of service, from measured days in order and the ledger alone.

When a version has failed is said by `catena.monitoring.guard`; what a rollback means, by `catena.chain.deployments`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from catena import monitoring as watch
from catena.chain.deployments import Deployments, model_of
from catena.chain.exclusive import exclusively
from catena.chain.measured_days import labels_known_on, measured_days
from catena.chain.redeploy import Asked, Change, change_of, record_rollback
from catena.declaration import Guard, UseCase
from catena.governance import Entry
from catena.lake import Lake
from catena.partitions import shift_day
from catena.run import Outcome, Run
from catena.workspace import Workspace

ACTOR = "guard"


def check_guard(workspace: Workspace, usecase: UseCase, run: Run) -> Outcome:
    """Roll back what serves where its guard is breached; return the months in which something else serves now.

    Days are judged from the first one that was served, each once it was measured with what serves on it today; the
    first day that was not ends the look, so that days before it decide first, whatever the order of arrival. A breach
    takes effect on the day after the last label behind it was known, on the estimate after the day itself: no
    prediction changes that was due by then. Where another version serves then anyway, nothing is to be done.
    """
    guard = usecase.monitoring.guard
    if guard is None:
        return Outcome("skipped", "the use case declares no guard")
    with exclusively(workspace.engine, (usecase.name, "promote")):
        deployments = Deployments(workspace.ledger, usecase)
        there = [entry for entry in deployments.rollbacks() if entry.payload["is_automatic"]]
        if run.try_number > 1 and (mine := [entry for entry in there if entry.run_id == run.run_id]):
            return _rolled_back(change_of(workspace, usecase, mine[-1]))
        judged = _judged(workspace.lake(usecase), usecase, guard, deployments)
        for breach in watch.breaches(judged, guard):
            first = shift_day(breach.known_on, 1)
            if (
                _is_settled(there, breach, first, guard)
                or model_of(deployments.carried(first)) != breach.version
                or not usecase.calendar.holds(first)
            ):
                continue
            if (to := deployments.before(first)) is None:
                return Outcome("skipped", f"{breach.version} fails its guard, but nothing can serve in its place")
            asked = Asked(ACTOR, _reason(guard, breach), first)
            evidence = _evidence(guard, breach)
            return _rolled_back(record_rollback(workspace, usecase, run, asked, to=to, evidence=evidence))
    return Outcome("unchanged", "no model that serves fails its guard")


def _rolled_back(change: Change) -> Outcome:
    said = f"{change.serves['model_version']} serves from {change.first}: {change.reason}"
    return Outcome("published", said, change.months, details={"rollback": change.as_dict()})


def _judged(lake: Lake, usecase: UseCase, guard: Guard, deployments: Deployments) -> Iterator[watch.Judged]:
    """Yield the measured days in order, up to the first served one that is not measured as it is served now.

    On labels, a day of whose window some have still to come is not measured yet.
    """
    dimension = watch.GUARDED if guard.on == "labels" else watch.GUARDED_ESTIMATE
    for day, serves, rows in measured_days(lake, usecase, deployments):
        known_on = day if guard.on == "estimate" else labels_known_on(day, rows, guard.window_days)
        if known_on is None:
            return
        own = rows[(rows["dimension"] == dimension) & (rows["measure"] == guard.measure)]
        own = own[own["window_days"] == guard.window_days]
        if not own.empty and known_on and serves["role"] == "champion":
            value = own["value"].iloc[0]
            yield watch.Judged(
                day, str(serves["model_version"]), None if math.isnan(value) else float(value),
                int(own["rows"].iloc[0]), known_on,
            )  # fmt: skip


def _is_settled(made: Sequence[Entry], breach: watch.Breach, first: str, guard: Guard) -> bool:
    """Return whether the guard acted on the version already from that day or later on, or on any shortly before it."""
    return any(
        entry.partition <= first < shift_day(entry.partition, guard.cooldown_days)
        or (first <= entry.partition and entry.payload["replaces"]["model_version"] == breach.version)
        for entry in made
    )


def _reason(guard: Guard, breach: watch.Breach) -> str:
    last = breach.days[-1]
    limit = f"below {guard.minimum}" if guard.minimum is not None and (last.value or 0) < guard.minimum else (
        f"above {guard.maximum}")  # fmt: skip
    what = guard.measure if guard.on == "labels" else f"Estimated {guard.measure}"
    return (
        f"{guard.reason} {what} of {breach.version} over {guard.window_days} days was {limit} on "
        f"{len(breach.days)} measured days in a row, {breach.days[0].day} to {last.day}, at last {last.value:.4f} on "
        f"{last.rows} {'labelled' if guard.on == 'labels' else 'scored'} rows."
    )


def _evidence(guard: Guard, breach: watch.Breach) -> dict[str, Any]:
    return {
        "guard": guard.model_dump(), "known_on": breach.known_on, "days": [asdict(item) for item in breach.days],
    }  # fmt: skip
