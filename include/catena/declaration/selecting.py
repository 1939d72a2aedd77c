"""How features are selected: the folds, what counts as enough evidence, and what each source of features costs.

How it is done belongs in `catena.modeling.selection`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from catena.declaration.tables import Declared, Name


class SourceCost(Declared):
    """What a source of features reads, and where it says how old it is at the decision."""

    inputs: tuple[Name, ...] = Field(min_length=1)
    """Inputs of the feature view that its columns are made from."""
    age: Name | None = None
    """Feature that holds its age in minutes; None: the age of the newest row that its inputs hold at the decision."""


class Selection(Declared):
    """Evidence that a feature must bring to be kept; gains and losses are in units of the metric."""

    metric: Literal["roc_auc", "pr_auc", "brier", "log_loss", "mae", "rmse"]
    folds: int = Field(4, ge=2)
    """Folds that walk forward through the training part: each is judged on the days after those it was fitted on."""
    fold_days: int = Field(4, ge=1)
    """Days on which a fold is judged."""
    repeats: int = Field(2, ge=1)
    """How often a column is shuffled within the days of a fold."""
    rows: int = Field(12_000, ge=100)
    """Rows that a fold is fitted on, at most; days are left out whole and evenly."""
    seed: int = 20130101
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """With which a gain, or that nothing is lost, must be shown: one-sided."""
    resamples: int = Field(1000, ge=100)
    redundancy: float = Field(0.9, gt=0, lt=1)
    """Columns say the same where each two of them are associated at least so strongly."""
    minimum_gain: float = Field(gt=0)
    """What a column or a group must bring, as it stands, to be kept where its gain is not shown beyond doubt."""
    margin: float = Field(gt=0)
    """How much the kept columns may lose to all columns: less than this must be shown."""
    required: tuple[Name, ...] = ()
    """Columns that are never dropped."""
    sources: dict[Name, SourceCost] = Field(default_factory=dict)
    """Sources of the proof's declaration; columns of none are the decision's own row."""

    @property
    def columns(self) -> set[str]:
        """All feature columns that are named here."""
        return set(self.required) | {source.age for source in self.sources.values() if source.age is not None}
