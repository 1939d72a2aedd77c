"""The guard: takes a failing model out of service, and a failing canary back, from measured days and the ledger alone.

When a version has failed is said by `catena.monitoring.guard` and `catena.monitoring.challenge`; what a rollback means,
by `catena.chain.deploying.deployments`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from catena import monitoring as watch
from catena.chain.deploying.deployments import Deployments, Serves, model_of
from catena.chain.deploying.redeploy import Asked, Change, change_of, record_rollback
from catena.chain.exclusive import exclusively
from catena.chain.watching.measured_days import labels_known_on, measured_days
from catena.declaration import Guard, Serving, UseCase
from catena.governance import Entry
from catena.partitions import shift_day
from catena.run import Outcome, Run
from catena.workspace import Workspace

ACTOR, CANARY = "guard", "canary"


@dataclass(frozen=True)
class _Failure:
    """A version that failed, and the day from which on another one is to serve."""

    actor: str
    version: str
    first: str
    reason: str
    evidence: Mapping[str, Any]


def check_guard(workspace: Workspace, usecase: UseCase, run: Run) -> Outcome:
    """Roll back what serves where its guard is breached or its canary failed; return the months that this changes.

    Days are judged from the first one that was served, each once it was measured with what serves on it today; the
    first day that was not ends the look, so that days before it decide first, whatever the order of arrival. A breach
    takes effect on the day after the last label behind it was known, on the estimate after the day itself: no
    prediction changes that was due by then. Where another version serves then anyway, nothing is to be done.
    """
    if usecase.monitoring.guard is None and not usecase.serving.canary_days:
        return Outcome("skipped", "the use case declares neither a guard nor a canary")
    with exclusively(workspace.engine, (usecase.name, "promote")):
        deployments = Deployments(workspace.ledger, usecase)
        there = [entry for entry in deployments.rollbacks() if entry.payload["is_automatic"]]
        if run.try_number > 1 and (mine := [entry for entry in there if entry.run_id == run.run_id]):
            return _rolled_back(change_of(workspace, usecase, mine[-1]))
        measured = [_Measured(*each) for each in measured_days(workspace.lake(usecase), usecase, deployments)]
        failures = [*_guard_failures(usecase, measured, there), *_canary_failures(usecase, measured, deployments)]
        for failure in sorted(failures, key=lambda each: each.first):
            if not usecase.calendar.holds(failure.first) or not _serves(deployments, failure):
                continue
            if (to := _successor(deployments, failure)) is None:
                return Outcome("skipped", f"{failure.version} fails, but nothing can serve in its place")
            asked = Asked(failure.actor, failure.reason, failure.first)
            return _rolled_back(record_rollback(workspace, usecase, run, asked, to=to, evidence=failure.evidence))
    return Outcome("unchanged", "no model that serves fails its guard, and no canary fails")


def _serves(deployments: Deployments, failure: _Failure) -> bool:
    """Return whether a version that failed still serves from the day on, or as a canary."""
    serving = {model_of(deployments.carried(failure.first)), model_of(deployments.canary(failure.first))}
    return failure.version in serving


def _successor(deployments: Deployments, failure: _Failure) -> Serves | None:
    """Return what serves in place of a version: a running canary gives its keys back."""
    is_canary = model_of(deployments.canary(failure.first)) == failure.version
    return deployments.carried(failure.first) if is_canary else deployments.before(failure.first)


def _rolled_back(change: Change) -> Outcome:
    said = f"{change.serves['model_version']} serves from {change.first}: {change.reason}"
    return Outcome("published", said, change.months, details={"rollback": change.as_dict()})


@dataclass(frozen=True)
class _Measured:
    """A day that was measured with what serves on it."""

    day: str
    serves: Serves
    rows: pd.DataFrame

    def of(self, dimension: str) -> pd.DataFrame:
        """Return the measures of a dimension."""
        return self.rows[self.rows["dimension"] == dimension]


def _with_labels(measured: Sequence[_Measured], window_days: int) -> Iterator[tuple[_Measured, str]]:
    """Yield the days that have labels with the day on which the last of them was known, up to one that awaits some."""
    for each in measured:
        known_on = labels_known_on(each.day, each.rows, window_days)
        if known_on is None:
            return
        if known_on:
            yield each, known_on


def _guard_failures(usecase: UseCase, measured: Sequence[_Measured], there: Sequence[Entry]) -> Iterator[_Failure]:
    guard = usecase.monitoring.guard
    if guard is None:
        return
    made = [entry for entry in there if entry.payload["actor"] == ACTOR]
    for breach in watch.breaches(_judged(measured, guard), guard):
        first = shift_day(breach.known_on, 1)
        if not _is_settled(made, breach, first, guard):
            yield _Failure(ACTOR, breach.version, first, _reason(guard, breach), _evidence(guard, breach))


def _judged(measured: Sequence[_Measured], guard: Guard) -> Iterator[watch.Judged]:
    on_labels = guard.on == "labels"
    dimension = watch.GUARDED if on_labels else watch.GUARDED_ESTIMATE
    days = _with_labels(measured, guard.window_days) if on_labels else ((each, each.day) for each in measured)
    for each, known_on in days:
        own = each.of(dimension)
        own = own[(own["measure"] == guard.measure) & (own["window_days"] == guard.window_days)]
        if not own.empty and each.serves["role"] == "champion":
            value = own["value"].iloc[0]
            yield watch.Judged(
                each.day, str(each.serves["model_version"]), None if math.isnan(value) else float(value),
                int(own["rows"].iloc[0]), known_on,
            )  # fmt: skip


def _canary_failures(usecase: UseCase, measured: Sequence[_Measured], deployments: Deployments) -> Iterator[_Failure]:
    """Yield each day of a canary by whose labels it is shown to be worse by more than the margin."""
    serving, known_on = usecase.serving, ""
    for each, last_on in _with_labels(measured, usecase.monitoring.trailing_days):
        trial = deployments.trial(each.day)
        if trial is None or trial.kind != CANARY:
            continue
        # The comparison rests on all days since the canary began: what was known last decides when it was known.
        known_on = max(last_on, known_on if each.day > trial.first else "")
        found = each.of(CANARY)
        found = found[found["value_of"] == trial.version].set_index("measure")
        values, rows = found["value"].to_dict(), found["rows"].to_dict()
        high = values.get(watch.GAIN_HIGH)
        if high is None or math.isnan(high) or not watch.is_breach(high, serving.margin):
            continue
        numbers = {"gain": values[watch.GAIN], "high": high, "rows": int(rows[watch.GAIN])}
        evidence = {
            "canary": {"share": trial.share, "first": trial.first, "last": trial.last, "margin": serving.margin},
            "champion": each.serves["model_version"], "day": each.day, "known_on": known_on, **numbers,
        }  # fmt: skip
        reason = _canary_reason(usecase, serving, trial.version, evidence)
        yield _Failure(CANARY, trial.version, shift_day(known_on, 1), reason, evidence)


def _canary_reason(usecase: UseCase, serving: Serving, version: str, found: Mapping[str, Any]) -> str:
    return (
        f"The canary {version} is worse than {found['champion']} by more than {serving.margin}: gain in "
        f"{usecase.gate.metric} {found['gain']:+.4f}, at most {found['high']:+.4f}, on {found['rows']} labelled rows "
        f"from {found['canary']['first']} to {found['day']}."
    )


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
