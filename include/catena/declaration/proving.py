"""What a model version must be shown to do beyond its metrics, and what its card says of its use.

How a test is judged belongs in `catena.modeling.behaviour`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from catena.declaration.tables import Declared, Name

Value = float | str | None
"""What a column is set to; None leaves it missing."""


class _Test(Declared):
    """What every behaviour test has."""

    name: Name
    reason: str
    is_veto: bool = False
    """Whether a challenger that fails it may not serve."""


class Invariance(_Test):
    """A change of columns that must not matter: each row's score stays where it was."""

    kind: Literal["invariance"] = "invariance"
    change: dict[Name, Value] = Field(min_length=1)
    tolerance: float = Field(gt=0)
    """By how much a row's score may move, in units of the score."""
    minimum_share: float = Field(0.95, gt=0, le=1)
    """Of the rows that must obey."""


class Direction(_Test):
    """Raising a column must not lower, or not raise, the mean score."""

    kind: Literal["direction"] = "direction"
    column: Name
    """A number; rows without it are not asked."""
    add: float
    expected: Literal["not_lower", "not_higher"]
    tolerance: float = Field(0.0, ge=0)
    """By how much the mean may move the wrong way, in units of the score."""


class MinimumFunctionality(_Test):
    """A simple case that anyone would get right: a row with `higher` scores above the same row with `lower`."""

    kind: Literal["minimum_functionality"] = "minimum_functionality"
    lower: dict[Name, Value] = Field(min_length=1)
    higher: dict[Name, Value] = Field(min_length=1)
    margin: float = Field(0.0, ge=0)
    """By how much the score must be higher."""
    minimum_share: float = Field(0.95, gt=0, le=1)

    @model_validator(mode="after")
    def _same_columns(self) -> MinimumFunctionality:
        if set(self.lower) != set(self.higher):
            raise ValueError(f"behaviour test {self.name}: both cases must set the same columns")
        return self


BehaviourTest = Annotated[Invariance | Direction | MinimumFunctionality, Field(discriminator="kind")]


class Fairness(Declared):
    """A measure in which the groups of a column must not differ by much, each from all others together."""

    name: Name
    reason: str
    by: Name
    measure: Literal["false_negative_rate", "calibration", "error"]
    """The share of events whose score is below the threshold; the mean score minus what happened; the mean error."""
    threshold: float | None = None
    """Score from which an event counts as foreseen; of the false negative rate alone."""
    tolerance: float = Field(gt=0)
    """Largest difference that is no matter, in units of the measure."""
    is_criterion: bool = True
    """False: what is asked cannot hold together with a criterion; the difference is a figure for who uses the scores,
    shown with its interval and how often the event happens in each group."""
    minimum_rows: int = Field(200, ge=1)
    """A group with fewer rows, or fewer events where these are asked, is not judged."""

    @model_validator(mode="after")
    def _threshold_fits(self) -> Fairness:
        if (self.threshold is None) == (self.measure == "false_negative_rate"):
            raise ValueError(f"fairness {self.name}: a false negative rate has a threshold, and nothing else has one")
        return self


class Proof(Declared):
    """What is proved of each version, and what its card says."""

    audience: str = ""
    """Who uses the scores, and for what; the card says so where nothing is declared."""
    limits: tuple[str, ...] = ()
    """What the model does not know or cannot do."""
    not_for: tuple[str, ...] = ()
    """Uses that were not thought of, or would do harm."""
    tests: tuple[BehaviourTest, ...] = ()
    fairness: tuple[Fairness, ...] = ()
    sources: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    """Where features come from: source -> its columns. One at a time is taken away."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Proof:
        for names in ([test.name for test in self.tests], [item.name for item in self.fairness]):
            if len(names) != len(set(names)):
                raise ValueError(f"a behaviour test or a comparison of groups is declared twice in {names}")
        return self

    @property
    def columns(self) -> set[str]:
        """All columns that tests and sources name."""
        named = {column for columns in self.sources.values() for column in columns}
        for test in self.tests:
            if isinstance(test, Direction):
                named.add(test.column)
            else:
                named |= set(test.change if isinstance(test, Invariance) else test.lower)
        return named
