"""What an exploration takes for a sign that features know what they cannot know."""

from __future__ import annotations

from pydantic import Field

from catena.declaration.tables import Declared


class Exploration(Declared):
    """Limits of the leakage alarms, and how sure the intervals of an exploration are."""

    maximum_auc: float = Field(default=0.85, gt=0.5, lt=1)
    """ROC AUC of a single feature, alone or beyond what the other features say of it, from which on it is too good."""
    maximum_agreement: float = Field(default=0.9, gt=0, lt=1)
    """Agreement beyond chance (Cohen's kappa) with a column that is known only after the decision, from which on a
    feature counts as that column."""
    minimum_rows: int = Field(default=200, ge=20)
    """Rows below which neither of them is judged."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=1000, ge=100)
    seed: int = 20130101
    pairs: int = Field(default=12, ge=1)
    """Pairs of columns of each table that are shown, strongest first."""
