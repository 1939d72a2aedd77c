"""A version beside what serves: as a canary on a share of the keys, or as a shadow on none.

When a trial begins and ends is the fold's to say, in `catena.chain.deploying.deployments`; which keys are the canary's,
that of `catena.serving.canary`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from catena.declaration import UseCase
from catena.governance import Entry
from catena.partitions import shift_day, start_of

Serves = dict[str, Any]
_VERSION = ("model_version", "run_id", "sha256")


@dataclass(frozen=True)
class Trial:
    """Days on which a version is scored beside what serves.

    Attributes:
        challenger: the version, as ledger entries name what serves.
        share: of the keys that it serves itself.
        salt: with which keys are drawn.
        last: last day; None where the next decision ends it.
        entry: the decision behind it.
    """

    kind: Literal["canary", "shadow"]
    challenger: Serves
    share: float
    salt: str
    first: str
    last: str | None
    entry: Entry

    @property
    def version(self) -> str:
        """The version's key."""
        return str(self.challenger["model_version"])

    def facts(self) -> dict[str, Any]:
        """Return what decides the scores of a day."""
        names = ("model_version", "sha256")
        return {**{name: self.challenger[name] for name in names}, "share": self.share, "salt": self.salt}


def planned_canary(usecase: UseCase, effective: str) -> dict[str, Any] | None:
    """Return what a promotion keeps of the declared canary, None where a promoted version serves all at once.

    The salt is of the day of effect: other keys try the next version, and a version's number plays no part.
    """
    serving = usecase.serving
    if not serving.canary_days:
        return None
    salt = f"{usecase.name}/{start_of(effective):%Y-%m-%d}"
    return {"share": serving.canary_share, "days": serving.canary_days, "salt": salt}


def canary_of(entry: Entry, first: str) -> Trial | None:
    """Return the canary with which a promoted version begins on a day, None where it serves all at once."""
    planned = entry.payload.get("canary")
    if entry.decision != "PROMOTE" or not planned:
        return None
    return Trial(
        "canary", entry.payload["serves"], planned["share"], planned["salt"], first,
        shift_day(first, planned["days"] - 1), entry,
    )  # fmt: skip


def shadow_of(entry: Entry, first: str) -> Trial | None:
    """Return the shadow that a decision leaves behind: the challenger that was held."""
    challenger: Mapping[str, Any] | None = entry.payload.get("challenger")
    if entry.decision != "HOLD" or not challenger:
        return None
    facts = {**{name: challenger[name] for name in _VERSION}, "role": "champion"}
    serves = {**facts, "trained_on": entry.payload.get("training_month")}
    return Trial("shadow", serves, 0.0, "", first, None, entry)
