"""How a version comes into service: which ones are scored beside what serves, and how far a promoted one reaches."""

from __future__ import annotations

from pydantic import Field, model_validator

from catena.declaration.tables import Declared


class Serving(Declared):
    """What is scored beside what serves, and how a promoted version comes into service."""

    shadow: bool = False
    """Score the candidate that the gate held each day beside what serves; its scores are never published."""
    canary_share: float = Field(0.0, ge=0, lt=1)
    """Share of the keys that a promoted version serves first; with 0 it serves none, and is only scored beside."""
    canary_days: int = Field(0, ge=0, le=27)
    """Days that this lasts; then the version serves all. 0: it serves all at once."""
    margin: float = Field(0.02, ge=0)
    """By how much of the gate's metric a version must be shown to be worse on the canary's rows, to be rolled back."""
    resamples: int = Field(500, ge=100)
    """Draws of days behind each interval; confidence and seed are the gate's."""

    @model_validator(mode="after")
    def _share_needs_days(self) -> Serving:
        if self.canary_share and not self.canary_days:
            raise ValueError(f"a canary of {self.canary_share:.0%} of the keys needs days: declare canary_days")
        return self

    @property
    def is_compared(self) -> bool:
        """Whether anything may ever be scored beside what serves."""
        return self.shadow or self.canary_days > 0
