"""What is known at a decision, what is to be foreseen, and how a model for it is built and judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, model_validator

from catena.declaration.tables import Declared, Name


class FeatureInput(Declared):
    """A lake table that a feature view may read.

    `cut="row"`: the SQL sees `<name>_asof`, the pairs of a decision (columns `decision_*`) and an input row known at
    its decision time. `cut="partition"`: the SQL sees `<name>`, the rows known at the earliest decision of the
    partition. `cut="static"`: reference data, which has no history.
    """

    name: Name
    table: Name
    cut: Literal["row", "partition", "static"]
    columns: tuple[Name, ...]
    known_at: str = "known_at"
    lookback_days: int = 0
    """Earlier day partitions that are read besides the partition itself."""


class FeatureView(Declared):
    """Features for one decision per entity, as SQL over point-in-time inputs."""

    table: Name
    spine_table: Name
    """Clean table whose rows of the partition are the entities to decide on."""
    entity: Name
    decision_sql: str
    """Expression over the spine table for the UTC instant of the decision."""
    sql: str
    inputs: tuple[FeatureInput, ...]


class Label(Declared):
    """The target: an SQL expression over `table`, null where the declared rule leaves the row out."""

    table: Name
    entity: Name
    expression: str
    description: str
    unit: str
    """`probability` for a binary label, otherwise the unit of the value."""
    known_at: str = "known_at"


Value = bool | int | float | str | None
"""Of a parameter."""


class Recipe(Declared):
    """What kind of model is built: all that its factory is told.

    A refresh is a new fit of the same recipe, a change is another recipe.
    """

    family: Name
    factory: str
    """`module:function`, called with the recipe; returns an unfitted scikit-learn pipeline that takes its columns."""
    params: dict[str, Value] = Field(default_factory=dict)
    numeric: tuple[Name, ...]
    categorical: tuple[Name, ...]
    seed: int


class Calibration(Declared):
    """How a model's probabilities are brought to what happened: a curve behind it, fitted on days it was not fitted on.

    These are the last days of the training part, as a model of the days before them scores them; the curve then goes
    behind the model of all days. It travels in the model's file. Declare it where days of the past say that it helps:
    it takes the level of its days for that of the days to come.
    """

    method: Literal["intercept", "sigmoid", "isotonic"]
    """Shift of the log odds; shift and stretch; any rising curve, which needs most rows."""
    days: int = Field(14, ge=1)
    """Days with rows that the curve is fitted on."""


class Model(Declared):
    """How a candidate is built, and on what it is judged."""

    kind: Literal["binary", "regression"] = "binary"
    """A binary score is the probability of the event, a regression score the expected value."""
    family: Name = "declared"
    """What people call this kind of model; a search names its families so, too."""
    factory: str
    """`module:function`, called with the recipe."""
    params: dict[str, Value] = Field(default_factory=dict)
    """Settings that the factory reads; by them a family's models differ."""
    numeric: tuple[Name, ...]
    categorical: tuple[Name, ...]
    baseline_by: tuple[Name, ...]
    """Columns whose groups' mean label is the baseline."""
    slices: tuple[Name, ...]
    validation_days: int = 7
    embargo_days: int = Field(default=0, ge=0)
    """Days before the validation days that are neither fitted nor judged on, besides rows whose labels came later."""
    minimum_rows: int = 500
    calibration: Calibration | None = Field(None, exclude_if=lambda declared: declared is None)
    """Of a binary model; None: scores are taken as they come. Then it is not told, so that identities of models which
    were declared before there was such a thing stay."""
    seed: int = 20130101
    trusted_types: tuple[str, ...] = ()
    """Types beyond scikit-learn's own that skops may load for this model, each reviewed."""

    @model_validator(mode="after")
    def _probabilities_alone_are_calibrated(self) -> Model:
        if self.calibration is not None and self.kind != "binary":
            raise ValueError(f"a {self.kind} model gives no probabilities, so no calibration can be declared for it")
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature columns in the order in which the model takes them."""
        return self.numeric + self.categorical

    def only(self, columns: Iterable[str]) -> Model:
        """Return the declaration with these of its feature columns alone, in declared order.

        Raises:
            ValueError: it has no such column.
        """
        kept = set(columns)
        if unknown := sorted(kept - set(self.features)):
            raise ValueError(f"the model takes no columns {unknown}; it takes {list(self.features)}")
        return self.model_copy(update={
            "numeric": tuple(name for name in self.numeric if name in kept),
            "categorical": tuple(name for name in self.categorical if name in kept),
        })  # fmt: skip

    @property
    def recipe(self) -> Recipe:
        """What the factory is told."""
        return Recipe(
            family=self.family, factory=self.factory, params=self.params, numeric=self.numeric,
            categorical=self.categorical, seed=self.seed,
        )  # fmt: skip

    def built_by(self, recipe: Recipe) -> Model:
        """Return the declaration with another recipe; what it is judged on stays."""
        return self.model_copy(update={name: getattr(recipe, name) for name in Recipe.model_fields})


class Gate(Declared):
    """When a challenger replaces what serves: PROMOTE, HOLD for want of evidence, or REJECT.

    A limit that is None is not declared, and not checked.
    """

    metric: Literal["roc_auc", "pr_auc", "brier", "log_loss", "mae", "rmse"]
    minimum_gain: float = 0.0
    """By how much the challenger must be shown to be better than the champion, in units of the metric."""
    refresh_margin: float | None = None
    """For a challenger of the champion's own recipe (steps, settings, columns) on newer data: it need only be shown to
    lose less than this. None asks `minimum_gain` of it too."""
    minimum_gain_over_baseline: float = 0.0
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """With which a gain, or a loss, must be shown: one-sided."""
    resamples: int = Field(2000, ge=100)
    seed: int = 20130101
    slice_margin: float | None = Field(None, gt=0)
    """How much the challenger may lose to the champion within a slice of the model's declaration."""
    maximum_ece: float | None = None
    """Largest expected calibration error of a binary model that may serve."""
    maximum_scoring_ms: float | None = None
    """Longest time to score 1,000 rows, as the median of repeats. It is wall time: declare it generously."""
    maximum_size_mb: float | None = None
    maximum_quarantined_share: float | None = None
    """Largest share of the training window's rows that may be in quarantine."""
    maximum_failed_days: int | None = None
    """How many deliveries of the training window may stand as FAIL."""
    minimum_score: float | None = Field(None, ge=0, le=7)
    """Least ML Test Score, by the last card before the decision, with which a model may be promoted; else HOLD."""
