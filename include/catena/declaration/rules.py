"""What rows and partitions of a delivery must meet, and what follows where they do not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from catena.declaration.tables import Declared, Name

Severity = Literal["fail", "quarantine", "warn"]


class RuleBase(Declared):
    """What every rule says of itself."""

    severity: Severity
    reason: str
    """One sentence for the person who reads the verdict."""


class NotNull(RuleBase):
    """The column has a value in every row."""

    kind: Literal["not_null"] = "not_null"
    column: Name


class Unique(RuleBase):
    """No two rows of a partition share these columns; a null among them counts as no key."""

    kind: Literal["unique"] = "unique"
    columns: tuple[Name, ...]


class Between(RuleBase):
    """A number lies within limits, which are allowed themselves."""

    kind: Literal["between"] = "between"
    column: Name
    minimum: float
    maximum: float


class InSet(RuleBase):
    """A value is one of those listed."""

    kind: Literal["in_set"] = "in_set"
    column: Name
    values: tuple[str | int, ...]


class Matches(RuleBase):
    """A text matches a regular expression."""

    kind: Literal["matches"] = "matches"
    column: Name
    pattern: str


class Holds(RuleBase):
    """A condition over several columns of a row, as a DuckDB boolean expression; null counts as held."""

    kind: Literal["holds"] = "holds"
    name: Name
    expression: str


class Fresh(RuleBase):
    """The newest `column` of the partition lies at most `within_hours` before the partition's end (24:00 UTC)."""

    kind: Literal["fresh"] = "fresh"
    column: Name
    within_hours: float


class Volume(RuleBase):
    """The row count lies within these multiples of the mean of the trailing partitions that have rows."""

    kind: Literal["volume"] = "volume"
    trailing_days: int = 7
    minimum_ratio: float
    maximum_ratio: float


Rule = Annotated[
    NotNull | Unique | Between | InSet | Matches | Holds | Fresh | Volume,
    Field(discriminator="kind"),
]
