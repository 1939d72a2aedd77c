"""What is measured of each day, and which measures alert."""

from __future__ import annotations

from pydantic import Field, model_validator

from catena.declaration.tables import Declared, Name


class Limit(Declared):
    """A limit whose crossing is an alert: on a measure of the `health` table, over all rows (no slice)."""

    measure: Name
    is_trailing: bool = True
    """True: over the trailing window; False: of the day alone."""
    minimum: float | None = None
    maximum: float | None = None
    reason: str
    """One sentence for the person who is alerted."""


class Guard(Declared):
    """When a model that serves is replaced at once by the one before it, without waiting for the month's decision.

    Judged on labels that are known, over the last days, and only on rows that the serving version scored itself: what a
    version before it did must neither hide its faults nor be held against it.
    """

    measure: Name
    """Metric of the model's kind, such as `roc_auc` or `mae`."""
    window_days: int = Field(ge=1)
    minimum: float | None = None
    maximum: float | None = None
    minimum_rows: int = Field(ge=1)
    """Labelled rows below which a day says nothing: it neither confirms nor clears."""
    confirmation_days: int = Field(default=3, ge=1)
    """Days in a row beyond the limit, before anything happens."""
    cooldown_days: int = Field(default=14, ge=0)
    """Days after a rollback by the guard in which it does not act again."""
    reason: str
    """One sentence for the person who reads the ledger."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Guard:
        if self.minimum is None and self.maximum is None:
            raise ValueError(f"the guard of {self.measure} declares neither minimum nor maximum")
        return self

    def is_breached(self, value: float) -> bool:
        """Return whether a value lies beyond the limit."""
        return (self.minimum is not None and value < self.minimum) or (
            self.maximum is not None and value > self.maximum
        )


class Monitoring(Declared):
    """What is watched each day."""

    trailing_days: int = 28
    maximum_psi: float = 0.25
    """Population stability index of the trailing window beyond which a watched column is an alert."""
    drift_columns: tuple[Name, ...] = ()
    """Features whose drift is an alert; the others are measured only (seasons drift without meaning trouble)."""
    limits: tuple[Limit, ...] = ()
    minimum_rows: int = 100
    """Measures that rest on fewer rows never alert."""
    guard: Guard | None = None
    """What takes a failing model out of service; None: people do."""

    @model_validator(mode="after")
    def _guard_looks_no_further_back(self) -> Monitoring:
        if self.guard is not None and self.guard.window_days > self.trailing_days:
            raise ValueError(
                f"the guard looks {self.guard.window_days} days back, monitoring {self.trailing_days} only"
            )
        return self
