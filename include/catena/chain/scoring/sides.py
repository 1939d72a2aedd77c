"""Who says what of each row on a day: the version that serves it, and the one beside it.

Without a trial what serves says all. With one, both versions score all rows; each row's answer is published from the
version whose side the key is on, and the other's stays in the shadow. Where rows go belongs in
`catena.chain.scoring.score`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.chain.deploying.trials import Serves, Trial
from catena.declaration import Model
from catena.serving.canary import on_canary
from catena.serving.predict import InvalidScore, SignatureMismatch, predict


@dataclass(frozen=True)
class Said:
    """What was said of each row, and by which version in which role."""

    scores: npt.NDArray[np.float64]
    versions: npt.NDArray[np.object_]
    roles: npt.NDArray[np.object_]


@dataclass(frozen=True)
class Sides:
    """What is published, and what stays in the shadow: None where nothing is tried.

    Attributes:
        fault: why a version that serves no key was not scored.
    """

    served: Said
    shadow: Said | None = None
    fault: str = ""


@dataclass(frozen=True)
class Assignment:
    """What serves on a day, and what is tried beside it."""

    serves: Serves
    trial: Trial | None

    @property
    def identity(self) -> tuple[object, ...]:
        """What two days must share to be scored together."""
        tried = None if self.trial is None else tuple(self.trial.facts().values())
        return (self.serves["model_version"], tried)


def sides_of(rows: pd.DataFrame, assigned: Assignment, load: Callable[[Mapping[str, Any]], tuple[Any, Model]]) -> Sides:
    """Return the sides of the rows of days that share an assignment.

    A version that serves no key must not keep one that does from serving: where it cannot score, the day has no shadow.

    Args:
        load: gives the estimator of a version, and the declaration by which it was built.
    """
    serves, trial = assigned.serves, assigned.trial
    estimator, model = load(serves)
    mine = predict(estimator, rows, model, serves["role"])
    everywhere = np.zeros(len(rows), bool)
    if trial is None:
        return Sides(_said(everywhere, (mine, mine), (serves["model_version"],) * 2, (serves["role"],) * 2))
    try:
        estimator, model = load(trial.challenger)
        other = predict(estimator, rows, model, "challenger")
    except (SignatureMismatch, InvalidScore) as error:
        if trial.share:
            raise
        return Sides(
            _said(everywhere, (mine, mine), (serves["model_version"],) * 2, (serves["role"],) * 2),
            fault=f"{trial.version} was not scored beside it: {error}",
        )
    tries = on_canary(rows["entity"], trial.share, trial.salt)
    versions = (serves["model_version"], trial.version)
    return Sides(
        _said(tries, (mine, other), versions, (serves["role"], "canary")),
        _said(~tries, (mine, other), versions, ("shadow", "shadow")),
    )


def _said(
    second: npt.NDArray[np.bool_], scores: tuple[Any, Any], versions: Sequence[str], roles: Sequence[str]
) -> Said:
    """Return of two versions the second one's answers where marked, elsewhere the first one's."""
    pick = second.astype(int)
    return Said(np.where(second, scores[1], scores[0]), np.array(versions, object)[pick], np.array(roles, object)[pick])
