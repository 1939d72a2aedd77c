"""What holds from a day on, and how decisions, rollbacks, promotions by hand and the ends of canaries change it. Pure.

Which entries there are on which day, and what is asked of the fold, belongs in `catena.chain.deploying.deployments`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catena.chain.deploying.trials import Serves, Trial, canary_of, shadow_of
from catena.governance import Entry
from catena.partitions import days_of


@dataclass(frozen=True)
class Point:
    """What holds from a day on.

    Attributes:
        barred: the versions that were rolled back, and not promoted by hand since.
        trial: what is tried beside what serves; a canary serves its keys itself.
    """

    day: str
    serves: Serves | None
    entry: Entry | None
    barred: frozenset[str]
    rollback: Entry | None = None
    trial: Trial | None = None


def is_by_gate(entry: Entry) -> bool:
    """Return whether a promotion is the gate's decision on a training; those by hand name who asked for them."""
    return "actor" not in entry.payload


def model_of(serves: Mapping[str, Any] | None) -> str | None:
    """Return the version of a model that serves, None where a baseline or nothing does."""
    return None if serves is None or serves["role"] != "champion" else str(serves["model_version"])


def arrived(held: Point, day: str) -> Point:
    """Return what holds on a day where nothing happens: a canary that was not stopped serves all keys by then."""
    trial = held.trial
    if trial is None or trial.last is None or day <= trial.last:
        return held
    return replace(held, serves=trial.challenger, entry=trial.entry, trial=None)


def judged(decision: Entry, held: Point) -> Point:
    """Return what holds after a decision of the gate; one that holds leaves a running canary alone."""
    canary = canary_of(decision, held.day)
    if canary is not None and held.serves is not None and key_of(held.serves) != canary.version:
        return replace(held, trial=canary)
    is_running = held.trial is not None and held.trial.kind == "canary" and decision.decision != "PROMOTE"
    trial = held.trial if is_running else shadow_of(decision, held.day)
    return replace(held, serves=_decided(decision, held.serves), entry=decision, trial=trial)


def _decided(entry: Entry, held: Serves | None) -> Serves | None:
    """Return what serves after a decision of the gate."""
    said: Serves | None = entry.payload.get("serves") or None
    if entry.decision == "PROMOTE" or said is None or held is None:
        return said if entry.decision == "PROMOTE" or held is None else held
    if held["role"] == "champion":
        return held
    # A baseline goes on as the month's own; a model that the decision held on to is gone by now.
    return said if said["role"] == "baseline" else baseline_of(entry) or held


def baseline_of(entry: Entry) -> Serves | None:
    """Return the baseline that was trained beside a decision's candidate, as what serves; None where there is none."""
    made = entry.payload.get("baseline")
    if made is None:
        return None
    facts = {name: made[name] for name in ("model_version", "run_id", "sha256")}
    return {**facts, "role": "baseline", "trained_on": entry.payload.get("training_month")}


def with_changes(entries: Sequence[Entry], held: Point) -> Point:
    """Return what holds after a day's rollbacks and promotions by hand."""
    for entry in entries:
        serves = entry.payload["serves"]
        if entry.kind == "promotion":
            barred = held.barred - {serves["model_version"]}
            held = replace(held, serves=serves, entry=entry, barred=barred, trial=_outlasting(held.trial, entry))
            continue
        gone = entry.payload["replaces"]["model_version"]
        barred = (held.barred | {gone}) - {serves["model_version"]}
        if held.trial is not None and held.trial.kind == "canary" and held.trial.version == gone:
            held = replace(held, serves=serves, entry=entry, barred=barred, rollback=entry, trial=None)
        elif key_of(held.serves) == gone:
            trial = _outlasting(held.trial, entry)
            held = replace(held, serves=serves, entry=entry, barred=barred, rollback=entry, trial=trial)
    return held


def _outlasting(trial: Trial | None, entry: Entry) -> Trial | None:
    """Return the trial that goes on beside another version: whoever changes by hand what serves means all keys."""
    return trial if trial is None or trial.kind == "shadow" or entry.payload.get("is_automatic") else None


def first_day(key: str) -> str:
    """Return the day on which the decision on a month or day takes effect."""
    return days_of(key)[0]


def key_of(serves: Serves | None) -> str | None:
    """Return the version that serves, model or baseline; None where nothing does."""
    return None if serves is None else str(serves["model_version"])
