"""Which recipes a search tries, how long, on which days of the past, and when it is due."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from catena.declaration.learning import Value
from catena.declaration.tables import Declared, Name


class FloatRange(Declared):
    """A number between two bounds, both included."""

    kind: Literal["float"] = "float"
    low: float
    high: float
    is_log: bool = False
    """Whether a factor, not a difference, is what counts."""


class IntRange(Declared):
    """A whole number between two bounds, both included."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    is_log: bool = False


class Choice(Declared):
    """One of some values."""

    kind: Literal["choice"] = "choice"
    values: tuple[Value, ...] = Field(min_length=1)


Range = Annotated[FloatRange | IntRange | Choice, Field(discriminator="kind")]


class Family(Declared):
    """A kind of model, and the ranges in which its settings are looked for."""

    name: Name
    factory: str
    """`module:function`, called with a recipe."""
    params: dict[str, Value] = Field(default_factory=dict)
    """Settings that stay."""
    space: dict[str, Range] = Field(default_factory=dict)
    """Settings that are looked for; without any the family is tried once."""

    @model_validator(mode="after")
    def _each_setting_has_one_place(self) -> Family:
        if both := sorted(set(self.params) & set(self.space)):
            raise ValueError(f"family {self.name}: {both} are declared as fixed and as looked for")
        return self


class Search(Declared):
    """How the recipe of the next trainings is looked for, and shown to be better than the one in force.

    All of it lies within the training part, before the holdout: first the walk-forward folds by which trials are
    compared, then days that no trial has seen, on which the best one must be shown to be better.
    """

    families: tuple[Family, ...] = Field(min_length=1)
    trials: int = Field(20, ge=1)
    """Of each family."""
    cpu_seconds: float = Field(60.0, gt=0)
    """Of each family: no trial is begun after it. CPU time, since a busy machine must not change the outcome."""
    folds: int = Field(3, ge=1)
    fold_days: int = Field(7, ge=1)
    """Days of each fold; it is scored by a model of the days before it."""
    fit_days: int | None = Field(None, ge=1)
    """Most days before a fold that a trial is fitted on, the last ones; None: all."""
    confirmation_days: int = Field(14, ge=3)
    """The last days of the training part, which no trial sees."""
    minimum_gain: float = Field(0.0, ge=0)
    """By how much the best must be shown to be better than the recipe in force, in units of the gate's metric."""
    first_after_months: int = Field(3, ge=1)
    """Months of the calendar that the first search has to learn from."""
    every_months: int = Field(3, ge=1)
    seed: int = 20130101

    @model_validator(mode="after")
    def _families_have_names(self) -> Search:
        names = [family.name for family in self.families]
        if len(names) != len(set(names)):
            raise ValueError(f"a family is declared twice in {names}")
        return self

    def family(self, name: str) -> Family:
        """Return the family of that name; KeyError names those that there are."""
        for family in self.families:
            if family.name == name:
                return family
        raise KeyError(f"no family {name!r} is declared; there are {[family.name for family in self.families]}")
