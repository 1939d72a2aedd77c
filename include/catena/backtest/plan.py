"""What a backtest compares: policies of retraining and promotion, peers without a gate, and published figures.

A use case declares them in `backtest.toml` in its folder; without it the plan beside this file holds.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from catena.declaration import Retraining, UseCase
from catena.declaration.tables import Declared

Retrain = Literal["never", "weekly", "monthly", "drift", "monthly_and_drift"]
PLAN = "backtest.toml"
_FOR_ALL = Path(__file__).with_name(PLAN)


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
    """All begin with a training at the end of the first month. `weekly`: on Sundays; `drift`: when a confirmed alarm
    asks for it; `monthly_and_drift`: what the chain does where a use case declares alarms."""
    gate: bool = True
    """False: every challenger serves that could be trained."""
    guard: bool = True
    """False: nothing takes a failing model out of service."""
    retraining: Retraining | None = None
    """Of a policy on drift: which alarms ask for a training; None: those that the use case declares for the chain."""

    @property
    def is_monthly(self) -> bool:
        """Whether each month is trained at its end."""
        return self.retrain in ("monthly", "monthly_and_drift")

    @property
    def is_on_drift(self) -> bool:
        """Whether alarms ask for trainings."""
        return self.retrain in ("drift", "monthly_and_drift")

    @model_validator(mode="after")
    def _only_drift_has_alarms(self) -> Policy:
        if self.retraining is not None and not self.is_on_drift:
            raise ValueError(f"{self.name} declares alarms, and trains {self.retrain}")
        return self

    def for_usecase(self, usecase: UseCase) -> Policy:
        """Return the policy with the alarms of the use case where it declares none of its own.

        Raises:
            PlanRefused: it trains on drift, and nobody says which alarms ask.
        """
        if not self.is_on_drift or self.retraining is not None:
            return self
        if usecase.monitoring.retraining is None:
            raise PlanRefused(
                f"{self.name} trains on drift, but no alarm of {usecase.name} asks for a training: declare "
                "`retraining` in its monitoring, or in the policy"
            )
        return self.model_copy(update={"retraining": usecase.monitoring.retraining})


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

    The plan for all leaves out policies on drift where no alarm of the use case asks for a training: it never would be.

    Raises:
        PlanRefused: the file is not there, no TOML, or declares something that there is not.
    """
    own = usecase.folder / PLAN
    path = file or (own if own.exists() else _FOR_ALL)
    try:
        plan = Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise PlanRefused(f"there is no plan {path}") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise PlanRefused(f"{path} is no plan of a backtest: {error}") from error
    policies = plan.policies
    if path == _FOR_ALL and usecase.monitoring.retraining is None:
        policies = tuple(policy for policy in policies if not policy.is_on_drift)
    return plan.model_copy(update={"policies": tuple(policy.for_usecase(usecase) for policy in policies)})
