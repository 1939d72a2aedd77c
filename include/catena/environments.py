"""What an environment asks of people: whether a promotion needs their approval, whose, and how long it waits for it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Approval(BaseModel):
    """Whether a person approves what the gate would promote; off unless an environment asks for it.

    Attributes:
        usecases: those that need it; empty: all.
        approvers: users of Airflow who may answer; empty: all who may edit the DAG.
        hours: how long an answer is waited for; none in that time means HOLD.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    required: bool = False
    usecases: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    hours: float = Field(default=72, gt=0)

    def is_needed(self, usecase: str) -> bool:
        """Return whether a promotion of a use case needs it."""
        return self.required and (not self.usecases or usecase in self.usecases)
