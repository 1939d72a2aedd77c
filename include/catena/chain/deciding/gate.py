"""What the promotion gate judges by: the models' scores on one holdout, compared, and the data they came from.

The conditions themselves belong in `catena.registry.promotion`, what follows from the decision in
`catena.chain.deciding.promote`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.chain.training.training_data import training_days
from catena.declaration import Model, UseCase
from catena.governance import Ledger
from catena.modeling.behaviour import Behaviour, behave
from catena.modeling.bootstrap import Interval, Resampling, gain_interval, metric_interval
from catena.modeling.dataset import MISSING
from catena.modeling.judged import judged
from catena.modeling.metrics import Metrics, evaluate
from catena.modeling.recipe import recipe_of
from catena.registry.promotion import Comparison
from catena.registry.store import Registry
from catena.registry.trusted_types import trusted_types
from catena.serving.predict import predict

Role = Literal["challenger", "champion", "baseline"]
Numbers = npt.NDArray[np.float64]
_TIMED_ROWS = 1000
_TIMED_REPEATS = 5


@dataclass(frozen=True)
class Contender:
    """A model version with what it says about the holdout.

    Attributes:
        version: `model_version`, `run_id` and `sha256`, as ledger entries name them.
        model: the declaration by which it was built.
        interval: of the gate's metric.
    """

    version: Mapping[str, str]
    model: Model
    estimator: Any
    scores: Numbers
    metrics: Metrics
    interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return what a promotion entry keeps."""
        return {**self.version, "metrics": self.metrics, "interval": self.interval.as_dict()}


class Gatekeeper:
    """Judges the models of one use case on one holdout.

    Args:
        holdout: labelled rows, the same for all models.
    """

    def __init__(self, usecase: UseCase, registry: Registry, holdout: pd.DataFrame) -> None:
        self._usecase = usecase
        self._registry = registry
        self._rows = holdout
        gate = usecase.gate
        # One bound alone errs as often as declared: both together twice as often.
        self.resampling = Resampling(2 * gate.confidence - 1, gate.resamples, gate.seed)

    def contender(self, version: Mapping[str, str], role: Role, model: Model) -> Contender:
        """Return a version, built by a declaration, with its scores and metrics."""
        metric, rows = self._usecase.gate.metric, self._rows
        estimator = self._registry.load(version["model_version"], version["sha256"], trusted_types(model))
        scores = predict(estimator, rows, model, role)
        interval = metric_interval(metric, rows["label"], scores, rows["partition"], self.resampling)
        return Contender(
            version, model, estimator, scores, evaluate(rows["label"], scores, model.kind), interval
        )  # fmt: skip

    def compare(
        self, challenger: Contender, champion: Contender | None, baseline: Contender | None, quality: Mapping[str, Any]
    ) -> Comparison:
        """Return all that the gate asks about a challenger.

        Args:
            quality: of the data, from `window_quality`.
        """
        everywhere = np.ones(len(self._rows), dtype=bool)
        return Comparison(
            over_baseline=None if baseline is None else self._gain(challenger, baseline, everywhere),
            over_champion=None if champion is None else self._gain(challenger, champion, everywhere),
            is_refresh=champion is not None and recipe_of(challenger.estimator) == recipe_of(champion.estimator),
            slices={} if champion is None else self._slices(challenger, champion),
            ece=challenger.metrics.get("ece"),
            scoring_ms=self._scoring_ms(challenger),
            size_mb=self._registry.size_bytes(challenger.version["model_version"], challenger.version["sha256"]) / 1e6,
            behaviour=self._behaviour(challenger),
            columns=self._registry.columns(challenger.version["run_id"]),
            champion_columns=None if champion is None else self._registry.columns(champion.version["run_id"]),
            **quality,
        )

    def _gain(self, challenger: Contender, other: Contender, inside: npt.NDArray[np.bool_]) -> Interval:
        rows = self._rows[inside]
        scores = challenger.scores[inside], other.scores[inside]
        return gain_interval(self._usecase.gate.metric, rows["label"], scores, rows["partition"], self.resampling)

    def _slices(self, challenger: Contender, champion: Contender) -> dict[str, dict[str, Interval]]:
        if self._usecase.gate.slice_margin is None:
            return {}
        found: dict[str, dict[str, Interval]] = {}
        for column in self._usecase.model.slices:
            values = self._rows[column].astype("string").fillna(MISSING).to_numpy()
            found[column] = {
                str(value): self._gain(challenger, champion, values == value) for value in sorted(set(values))
            }
        return found

    def _behaviour(self, challenger: Contender) -> list[Behaviour]:
        """Return how the challenger comes out of each declared test, as its proof will say it."""
        if not len(self._rows):
            return []
        of = judged(challenger.estimator, self._rows, challenger.model)
        return [behave(test, of, self.resampling) for test in self._usecase.proof.tests]

    def _scoring_ms(self, challenger: Contender) -> float:
        """Return the time to score 1,000 rows: the median of repeats, so that one disturbance decides nothing."""
        rows = self._rows.head(_TIMED_ROWS)
        if not len(rows):
            return 0.0
        taken = []
        for _ in range(_TIMED_REPEATS):
            started = time.perf_counter()
            predict(challenger.estimator, rows, challenger.model, "challenger")
            taken.append(time.perf_counter() - started)
        return 1000 * statistics.median(taken) * _TIMED_ROWS / len(rows)


def window_quality(ledger: Ledger, usecase: UseCase, month: str) -> dict[str, Any]:
    """Return rows, rows in quarantine and failed deliveries of the training window, by the standing verdicts."""
    days = set(training_days(usecase, month))
    delivered = {dataset.name for dataset in usecase.partitioned_datasets}
    standing = {
        (entry.subject, entry.partition): entry
        for entry in ledger.entries(usecase.name, kind="quality")
        if entry.subject in delivered and entry.partition in days and "stream" not in entry.payload
    }
    return {
        "rows_in": sum(int(entry.payload.get("rows_in", 0)) for entry in standing.values()),
        "rows_quarantined": sum(int(entry.payload.get("rows_quarantined", 0)) for entry in standing.values()),
        "failed": sorted(f"{name} {day}" for (name, day), entry in standing.items() if entry.decision == "FAIL"),
    }
