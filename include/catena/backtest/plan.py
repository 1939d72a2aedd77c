"""What a backtest compares: policies of retraining and promotion, peers without a gate, and published figures.

A use case declares them in `backtest.toml` in its folder; without it the plan beside this file holds.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from catena.declaration import UseCase
from catena.declaration.tables import Declared

Retrain = Literal["never", "weekly", "monthly", "drift"]
PLAN = "backtest.toml"


class PlanRefused(ValueError):
    """A plan that is no plan; the message names the file and the fault."""


class Contender(Declared):
    """What is compared."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")
    says: str
    """What it is called where people read of it."""


class Policy(Contender):
    """When models are trained anew, and what decides whether they serve."""

    retrain: Retrain
    """All begin with a training at the end of the first month. `weekly`: on Sundays; `drift`: when an alarm stands."""
    gate: bool = True
    """False: every challenger serves that could be trained."""
    guard: bool = True
    """False: nothing takes a failing model out of service."""
    alarms: tuple[str, ...] = ("psi", "roc_auc", "calibration_gap")
    """Of `drift`: measures whose alert counts as an alarm."""
    confirmation_days: int = Field(3, ge=1)
    """Of `drift`: measured days in a row on which the same alarm stands, before it is believed."""
    cooldown_days: int = Field(28, ge=1)
    """Of `drift`: days after a training before the next one."""


class Peer(Contender):
    """A model that is fitted each month on the rows that a monthly training has, and serves the next month, ungated."""

    kind: Literal["baseline", "linear", "trees"]
    """The use case's baseline; a linear model; scikit-learn's boosted trees as they come, untuned."""


class Reference(Declared):
    """Figures by month from elsewhere, to compare with."""

    says: str
    metric: str
    months: dict[str, float]


class Plan(Declared):
    """What one backtest compares; the first policy is the one that the others are seen against."""

    policies: tuple[Policy, ...] = Field(min_length=1)
    peers: tuple[Peer, ...] = ()
    reference: Reference | None = None

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """All that is compared, policies first."""
        return (*self.policies, *self.peers)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Plan:
        names = [item.name for item in self.contenders]
        if len(names) != len(set(names)):
            raise ValueError(f"a name is given twice in {names}")
        return self


def plan_of(usecase: UseCase, file: Path | None) -> Plan:
    """Return the plan in a file, by default that of the use case, or else the one for all.

    Raises:
        PlanRefused: the file is not there, no TOML, or declares something that there is not.
    """
    own = usecase.folder / PLAN
    path = file or (own if own.exists() else Path(__file__).with_name(PLAN))
    try:
        return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise PlanRefused(f"there is no plan {path}") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise PlanRefused(f"{path} is no plan of a backtest: {error}") from error
