"""What is measured of each day, and which measures alert."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from catena.declaration.tables import Declared, Name

# The metrics of a binary model that its scores alone can tell.
ESTIMATED = ("roc_auc", "brier", "log_loss")


class Limit(Declared):
    """A limit whose crossing is an alert: on a measure of the `health` table, over all rows (no slice)."""

    measure: Name
    is_trailing: bool = True
    """True: over the trailing window; False: of the day alone."""
    minimum: float | None = None
    maximum: float | None = None
    is_sure: bool = False
    """True: the measure's whole interval must lie beyond the limit, not only its value."""
    reason: str
    """One sentence for the person who is alerted."""


class Guard(Declared):
    """When a model that serves is replaced at once by the one before it, without waiting for the month's decision.

    Judged over the last days, and only on rows that the serving version scored itself: what a version before it did
    must neither hide its faults nor be held against it.
    """

    measure: Name
    """Metric of the model's kind, such as `roc_auc` or `mae`."""
    on: Literal["labels", "estimate"] = "labels"
    """What it is judged on: labels that are known, or the estimate from the scores of a binary model, which needs none
    and so acts on the day itself, but sees only what the scores know of themselves."""
    window_days: int = Field(ge=1)
    minimum: float | None = None
    maximum: float | None = None
    minimum_rows: int = Field(ge=1)
    """Labelled rows (for the estimate: scored ones) below which a day neither confirms nor clears."""
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
        if self.on == "estimate" and self.measure not in ESTIMATED:
            raise ValueError(f"the guard of {self.measure} is on the estimate; estimated are {', '.join(ESTIMATED)}")
        return self

    def is_breached(self, value: float) -> bool:
        """Return whether a value lies beyond the limit."""
        return (self.minimum is not None and value < self.minimum) or (
            self.maximum is not None and value > self.maximum
        )


class Retraining(Declared):
    """Which confirmed alarms ask for a training off schedule, and how often at most."""

    on: tuple[str, ...]
    """What alerts are called: a measure, such as `calibration_gap`, or a measure and its column, as `psi:carrier`."""
    confirmation_days: int = Field(default=3, ge=1)
    """Measured days in a row on which an alert stands before it is a confirmed alarm."""
    cooldown_days: int = Field(default=14, ge=1)
    """Days after any training's cut, also the month's own, in which no alarm asks for another."""
    reason: str
    """One sentence for the person who reads the ledger."""


class Monitoring(Declared):
    """What is watched each day."""

    trailing_days: int = 28
    maximum_psi: float = 0.25
    """Population stability index of the trailing window beyond which a watched column is an alert."""
    false_discovery_rate: float = Field(default=0.05, gt=0, lt=1)
    """Largest rate of false alarms, over the watched columns together, at which a drift is an alert."""
    drift_columns: tuple[Name, ...] = ()
    """Features whose drift is an alert; the others are measured only (seasons drift without meaning trouble)."""
    limits: tuple[Limit, ...] = ()
    minimum_rows: int = 100
    """Measures that rest on fewer rows never alert."""
    guard: Guard | None = None
    """What takes a failing model out of service; None: people do."""
    retraining: Retraining | None = None
    """Which alarms ask for a training; None: the months' own trainings are all there are."""

    @model_validator(mode="after")
    def _guard_looks_no_further_back(self) -> Monitoring:
        if self.guard is not None and self.guard.window_days > self.trailing_days:
            raise ValueError(
                f"the guard looks {self.guard.window_days} days back, monitoring {self.trailing_days} only"
            )
        return self
