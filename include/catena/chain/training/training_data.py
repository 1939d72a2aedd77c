"""What a training is made from: whether its days are all there, at which versions, and their rows.

A training's key is its month, at whose end it is cut; or the day at whose end it is cut, of one off schedule.

Joining and splitting belong in `catena.modeling.dataset`; what is kept of it, so that `train`, `promote` and a replay
see the same rows, in `catena.chain.training.snapshots`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import pyarrow as pa

from catena.declaration import Model, UseCase
from catena.governance import Ledger
from catena.lake import Lake, identity_of
from catena.modeling.dataset import labelled_rows
from catena.partitions import days, is_day, last_day_of, month_of, shift_day, shift_month, start_of
from catena.registry.store import Registry
from catena.settings import Settings

_STAYS_ABSENT = {"FAIL", "NO_DATA"}


def training_days(usecase: UseCase, key: str) -> list[str]:
    """Return all days of the calendar up to the end of a training's month or day."""
    last = last_day_of(key)
    if usecase.calendar.last is not None:
        last = min(last, usecase.calendar.last)
    return days(usecase.calendar.first, last)


def cut_of(key: str) -> datetime:
    """Return the instant at which a month or day is trained: what became known later does not exist for it."""
    return start_of(shift_day(last_day_of(key), 1))


def effect_of(key: str) -> str:
    """Return where the decision on a training takes effect: the next month, or of one off schedule the next day."""
    return shift_day(key, 1) if is_day(key) else shift_month(key, 1)


def training_key(key: str) -> str:
    """Return the key under which a month or day is trained: the last day of a month is its month's own training."""
    return month_of(key) if is_day(key) and last_day_of(month_of(key)) == key else key


NEVER_TRAINS = (
    "this environment trains nothing (`trains = false`): `catena models transfer` brings versions from one that does"
)


def never_trained(usecase: UseCase, key: str) -> str | None:
    """Return why a day is not trained off schedule, None where it can be."""
    if is_day(key) and month_of(key) == month_of(usecase.calendar.first):
        return f"{key} lies in the first month, in which nothing serves: its end is the first training"
    return None if not is_day(key) or usecase.calendar.holds(key) else f"{key} lies outside the calendar"


def training_months(usecase: UseCase, up_to: str) -> Iterator[str]:
    """Yield the months of the calendar from the first on, up to a month."""
    month = month_of(usecase.calendar.first)
    last = up_to if usecase.calendar.last is None else min(up_to, month_of(usecase.calendar.last))
    while month <= last:
        yield month
        month = shift_month(month, 1)


def training_keys(usecase: UseCase, up_to: str, off_schedule: Iterable[str]) -> list[str]:
    """Return the months up to one, and trainings off schedule, in the order of their cuts."""
    return sorted({*training_months(usecase, up_to), *filter(is_day, off_schedule)}, key=cut_of)


class TrainingTables:
    """The feature and label tables of a use case, as training reads them."""

    def __init__(self, lake: Lake, ledger: Ledger, usecase: UseCase) -> None:
        self._lake = lake
        self._usecase = usecase
        self._names = (usecase.features.table, usecase.label.table)
        delivered = {clean.table: dataset.name for dataset in usecase.datasets for clean in dataset.clean}
        self._source = {
            usecase.features.table: delivered.get(usecase.features.spine_table),
            usecase.label.table: delivered.get(usecase.label.table),
        }
        entries = ledger.entries(usecase.name, kind="quality")
        verdicts = {(item.subject, item.partition): item.decision for item in entries}
        self._absent = {key for key, decision in verdicts.items() if decision in _STAYS_ABSENT}
        self._known: dict[str, dict[str, int | None]] = {name: {} for name in self._names}

    def missing(self, key: str) -> list[str]:
        """Return the partitions up to the end of the month or day that are neither there nor known to stay absent."""
        wanted = training_days(self._usecase, key)
        return [
            f"{name}[{day}]"
            for name in self._names
            for day, content in self._contents(name, wanted).items()
            if content is None and (self._source[name], day) not in self._absent
        ]

    def newest_day(self) -> str | None:
        """Return the last day that has features, None where there is none."""
        there = self._lake.partitions(self._usecase.features.table)
        return there[-1] if there else None

    def identity(self, key: str, model: Model) -> int:
        """Return the identity of all that a training by a declaration depends on, besides the code."""
        usecase, wanted = self._usecase, training_days(self._usecase, key)
        contents = {name: self._contents(name, wanted) for name in self._names}
        declared = [model.model_dump(), usecase.label.model_dump(), cut_of(key)]
        return identity_of([contents, declared])

    def versions(self) -> dict[str, int | None]:
        """Return the current versions of the tables."""
        return {name: self._lake.version(name) for name in self._names}

    def rows(self, key: str, versions: Mapping[str, int | None]) -> pa.Table:
        """Return the labelled rows of a training at pinned table versions, ordered by decision.

        With all columns of the feature table, whatever the model takes: a version of another recipe is judged on the
        same rows.
        """
        usecase, wanted = self._usecase, training_days(self._usecase, key)
        features, label = self._names
        return labelled_rows(
            self._lake.read(features, wanted, columns=feature_columns(usecase), version=versions[features]),
            self._lake.read(label, wanted, version=versions[label]),
            usecase.label,
            cut_of(key),
        )

    def _contents(self, name: str, wanted: list[str]) -> dict[str, int | None]:
        known = self._known[name]
        if unseen := [day for day in wanted if day not in known]:
            # Labels that streams told so far are no labels to learn from: the day's file may say otherwise.
            known.update(self._lake.contents(name, unseen, final=name == self._usecase.label.table))
        return {day: known[day] for day in wanted}


def feature_columns(usecase: UseCase) -> list[str]:
    """Return the columns of the feature table that a model may take, be sliced by or be told by, in one order."""
    declared = usecase.table(usecase.features.table).columns
    # When a row was known is settled before it gets here: `decision_at` says it.
    told = [column.name for column in declared if not column.is_volatile and column.name != "known_at"]
    return list(dict.fromkeys(("partition", "entity", "decision_at", *told)))


def open_registry(settings: Settings) -> Registry:
    """Return the model registry of an installation."""
    return Registry(settings.mlflow_uri, settings.home / "mlflow-artifacts", settings.home / "cache" / "models")


def serving_name(usecase: UseCase) -> str:
    """Return the registered name of the use case's models."""
    return usecase.name


def baseline_name(usecase: UseCase) -> str:
    """Return the registered name of the use case's baselines."""
    return f"{usecase.name}-baseline"
