"""The search of one family: Optuna's trials on walk-forward folds, the same for the same seed. Pure.

Only the training part is handed in. What is made of the findings belongs in `catena.modeling.winner`, when a search is
due and where it is recorded in `catena.chain.training.search`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import optuna
import pandas as pd

from catena.declaration import Choice, Family, FloatRange, IntRange, Model, Recipe, Search
from catena.modeling.errors import ModelingError
from catena.modeling.metrics import HIGHER_IS_BETTER
from catena.modeling.walk import Walk, mean_of, walk_of

State = Literal["complete", "pruned", "failed"]
Progress = Callable[["Trial"], None]


@dataclass(frozen=True)
class Trial:
    """One recipe that was tried.

    Attributes:
        value: the mean of the metric over the folds that were done; None where it failed.
        by_fold: of the metric; fewer than the folds where the trial was pruned.
        reason: why it failed.
    """

    family: str
    number: int
    params: dict[str, Any]
    state: State
    value: float | None
    by_fold: list[float] = field(default_factory=list)
    reason: str = ""

    def said(self, metric: str) -> str:
        """Return the trial in one line."""
        value = "" if self.value is None else f" {metric} {self.value:.4f}"
        about = {"complete": "", "pruned": f", pruned after {len(self.by_fold)}", "failed": f" failed: {self.reason}"}
        return f"{self.family} {self.number}:{value}{about[self.state]} {self.params}"


@dataclass(frozen=True)
class Findings:
    """What came of the search of a family.

    Attributes:
        asked: trials that were to be made.
        is_cut_short: whether the budget of time ended it before.
    """

    family: str
    asked: int
    trials: tuple[Trial, ...]
    is_cut_short: bool
    cpu_seconds: float

    def best(self, metric: str) -> Trial | None:
        """Return the best complete trial, the first of equals; None where none was completed."""
        done = [trial for trial in self.trials if trial.state == "complete" and trial.value is not None]
        sign = -1 if HIGHER_IS_BETTER[metric] else 1
        return min(done, key=lambda trial: sign * (trial.value or 0.0), default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)

    @classmethod
    def of(cls, said: dict[str, Any]) -> Findings:
        """Return findings from what `as_dict` gave."""
        return cls(**{**said, "trials": tuple(Trial(**trial) for trial in said["trials"])})


def search_family(
    rows: pd.DataFrame, model: Model, search: Search, name: str, metric: str,
    *, in_force: Recipe | None = None, trials: int | None = None, progress: Progress = lambda _: None,
) -> Findings:  # fmt: skip
    """Return what the trials of a family found.

    Args:
        rows: the training part alone, with labels.
        model: the declaration, with the columns that the family may use.
        in_force: where it is of this family, its settings are tried first.
        trials: how many, whatever time they take, as the repetition of a search that was cut short needs; None: as
            declared, within the declared time.
        progress: told of each trial.

    Raises:
        ModelingError: the training part is too short, or does not define the metric.
    """
    family, walk = search.family(name), walk_of(rows, model, search)
    asked = trials or (search.trials if family.space else 1)
    study = _study(search, metric, asked)
    if in_force is not None and (first := _as_trial(in_force, family)) is not None:
        study.enqueue_trial(first)
    done: list[Trial] = []
    begun = time.process_time()
    while len(done) < asked and not (trials is None and done and time.process_time() - begun > search.cpu_seconds):
        done.append(_try(study, family, model, walk, metric))
        progress(done[-1])
    return Findings(name, asked, tuple(done), len(done) < asked, round(time.process_time() - begun, 1))


def recipe_of_trial(model: Model, family: Family, params: dict[str, Any]) -> Recipe:
    """Return the recipe of a trial: the family with its settings, and the columns that the model's declaration has."""
    its = {"family": family.name, "factory": family.factory, "params": {**family.params, **params}}
    return model.recipe.model_copy(update=its)


def _study(search: Search, metric: str, asked: int) -> optuna.Study:
    # What Optuna says of each trial is said here, in one line.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A third of few trials at random, before the sampler goes by what was found.
    startup = max(3, asked // 3)
    return optuna.create_study(
        direction="maximize" if HIGHER_IS_BETTER[metric] else "minimize",
        sampler=optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=startup),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=startup, n_warmup_steps=0),
    )


def _try(study: optuna.Study, family: Family, model: Model, walk: Walk, metric: str) -> Trial:
    trial = study.ask()
    params = {name: _suggested(trial, name, space) for name, space in family.space.items()}
    built = model.built_by(recipe_of_trial(model, family, params))
    by_fold: list[float] = []
    for at, fold in enumerate(walk.folds):
        try:
            by_fold.append(fold.value(fold.scores(built), metric, model.kind))
        except ModelingError as error:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return Trial(family.name, trial.number, params, "failed", None, by_fold, str(error))
        trial.report(mean_of(by_fold), at)
        # After its last fold there is nothing to save.
        if at + 1 < len(walk.folds) and trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return Trial(family.name, trial.number, params, "pruned", mean_of(by_fold), by_fold)
    study.tell(trial, mean_of(by_fold))
    return Trial(family.name, trial.number, params, "complete", mean_of(by_fold), by_fold)


def _suggested(trial: optuna.Trial, name: str, space: FloatRange | IntRange | Choice) -> Any:
    if isinstance(space, FloatRange):
        return trial.suggest_float(name, space.low, space.high, log=space.is_log)
    if isinstance(space, IntRange):
        return trial.suggest_int(name, space.low, space.high, log=space.is_log)
    return trial.suggest_categorical(name, list(space.values))


def _as_trial(recipe: Recipe, family: Family) -> dict[str, Any] | None:
    """Return the settings of a recipe as a trial of a family; None where it is none of them."""
    looked_for = {name: recipe.params[name] for name in family.space if name in recipe.params}
    is_of_family = (
        recipe.factory == family.factory
        and recipe.params == {**family.params, **looked_for}
        and len(looked_for) == len(family.space)
    )
    is_inside = all(_holds(space, looked_for[name]) for name, space in family.space.items() if name in looked_for)
    return looked_for if is_of_family and is_inside else None


def _holds(space: FloatRange | IntRange | Choice, value: Any) -> bool:
    if isinstance(space, Choice):
        return value in space.values
    return isinstance(value, int | float) and space.low <= value <= space.high
