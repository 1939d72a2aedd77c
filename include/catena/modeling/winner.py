"""Whether the best of all trials replaces the recipe in force: shown on days that no trial has seen. Pure.

The best of many trials is the luckiest of many: on the folds by which it was chosen it looks better than it is. So the
gain that decides is measured on the days behind the folds, where it was neither fitted nor chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from catena.declaration import Gate, Model, Recipe, Search
from catena.modeling.bootstrap import Interval, Resampling, gain_interval
from catena.modeling.metrics import gain
from catena.modeling.search import Findings, Trial, recipe_of_trial
from catena.modeling.walk import FoldRows, Numbers, walk_of

Verdict = Literal["ADOPT", "KEEP"]


@dataclass(frozen=True)
class Searched:
    """What was searched.

    Attributes:
        rows: the training part alone, as the families had it.
        model: the declaration, with the columns that the families used.
        in_force: the declaration with the recipe in force.
    """

    rows: pd.DataFrame
    model: Model
    in_force: Model
    search: Search
    gate: Gate


@dataclass(frozen=True)
class Conclusion:
    """What a search ends with.

    Attributes:
        recipe: in force after it.
        before: in force before it.
        best: the best trial of all families; None where none was completed.
        values: of the recipe in force and the baseline, on the folds.
        searched: gain of the best trial over the recipe in force on the folds by which it was chosen; it flatters.
        confirmed: the same gain on the days that no trial has seen; None where it was not asked for.
        walk: the folds, and the days of confirmation.
    """

    decision: Verdict
    reason: str
    recipe: Recipe
    before: Recipe
    best: Trial | None
    values: dict[str, float]
    searched: Interval | None
    confirmed: Interval | None
    walk: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return what the ledger keeps of it."""
        return {
            "recipe": self.recipe.model_dump(mode="json"), "before": self.before.model_dump(mode="json"),
            "reason": self.reason, "values": self.values, **self.walk,
            "best": None if self.best is None else {"family": self.best.family, "number": self.best.number,
                                                     "value": self.best.value},
            "searched": None if self.searched is None else self.searched.as_dict(),
            "confirmed": None if self.confirmed is None else self.confirmed.as_dict(),
        }  # fmt: skip


def conclude(of: Searched, findings: Sequence[Findings]) -> Conclusion:
    """Return whether the best trial of all families replaces the recipe in force.

    Raises:
        ModelingError: the training part is too short, or the recipe in force cannot be fitted.
    """
    in_force, metric = of.in_force, of.gate.metric
    walk = walk_of(of.rows, in_force, of.search)
    known = [fold.scores(in_force) for fold in walk.folds]
    values = {
        "in_force": walk.value(known, metric, in_force.kind),
        "baseline": walk.value([fold.baseline_scores(in_force) for fold in walk.folds], metric, in_force.kind),
    }
    best = best_of(findings, metric)
    found = None if best is None else _built(of, best)
    searched = confirmed = None
    if best is not None and found is not None and found.recipe != in_force.recipe:
        searched = _gain(walk.folds, [fold.scores(found) for fold in walk.folds], known, of.gate)
        if gain(metric, best.value or 0.0, values["in_force"]) > 0:
            last = walk.confirmation
            confirmed = _gain([last], [last.scores(found)], [last.scores(in_force)], of.gate)
    is_shown = confirmed is not None and confirmed.low is not None and confirmed.low > of.search.minimum_gain
    return Conclusion(
        decision="ADOPT" if is_shown else "KEEP",
        reason=_reason(of, best, values["in_force"], confirmed),
        recipe=found.recipe if found is not None and is_shown else in_force.recipe,
        before=in_force.recipe, best=best, values=values, searched=searched, confirmed=confirmed,
        walk={"folds": [fold.as_dict() for fold in walk.folds], "confirmation": walk.confirmation.as_dict()},
    )  # fmt: skip


def best_of(findings: Sequence[Findings], metric: str) -> Trial | None:
    """Return the best of the families' best trials; of equals that of the family which is declared first."""
    best: Trial | None = None
    for each in findings:
        trial = each.best(metric)
        if trial is not None and (best is None or gain(metric, trial.value or 0.0, best.value or 0.0) > 0):
            best = trial
    return best


def _built(of: Searched, trial: Trial) -> Model:
    return of.model.built_by(recipe_of_trial(of.model, of.search.family(trial.family), trial.params))


def _gain(folds: Sequence[FoldRows], new: Sequence[Numbers], old: Sequence[Numbers], gate: Gate) -> Interval:
    judged = pd.concat([fold.judged for fold in folds])
    scores = np.concatenate(new), np.concatenate(old)
    resampling = Resampling(2 * gate.confidence - 1, gate.resamples, gate.seed)
    return gain_interval(gate.metric, judged["label"], scores, judged["partition"], resampling)


def _reason(of: Searched, best: Trial | None, value: float, gained: Interval | None) -> str:
    metric, needed = of.gate.metric, of.search.minimum_gain
    if best is None:
        return "No trial was completed: the recipe in force stays."
    if _built(of, best).recipe == of.in_force.recipe:
        return f"The recipe in force, {best.family}, is the best of all trials: {metric} {best.value:.4f}."
    said = f"{best.family} (trial {best.number}) has {metric} {best.value:.4f} on the folds, the recipe in force"
    said = f"{said} {value:.4f}"
    if gained is None:
        return f"{said}: nothing better was found, and the recipe in force stays."
    if gained.low is None or gained.high is None:
        return f"{said}; on the days of confirmation nothing can be told, {gained.reason}: it stays."
    shown = (
        f"{gained.estimate or 0.0:+.4f}, {gained.confidence:.0%} interval {gained.low:+.4f} to {gained.high:+.4f} "
        f"({gained.days} days, {gained.rows} rows)"
    )
    claim = f"to be better by more than {needed:.4f}"
    end = f"It is shown {claim}." if gained.low > needed else f"It is not shown {claim}: the recipe in force stays."
    return f"{said}. On days that no trial has seen it gains {shown}. {end}"
