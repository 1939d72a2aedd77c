"""Which recipe a training takes, as the fold of the searches, and by which declaration a version was built.

The declaration in the code is the recipe until a search adopts another one; a declaration that was changed since is a
new beginning. How a search is carried out belongs in `catena.chain.training.search`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catena.chain.training.training_data import cut_of, training_months
from catena.declaration import Model, Recipe, UseCase
from catena.governance import Entry, Ledger
from catena.partitions import month_of, shift_month


class Recipes:
    """The searches of a use case, read once."""

    def __init__(self, ledger: Ledger, usecase: UseCase) -> None:
        self._usecase = usecase
        entries = ledger.entries(usecase.name, kind="search", subject="model") if usecase.search else []
        # In the order of effect; a search that was made again after it broke down replaces what stood there.
        self._concluded = {entry.partition: entry for entry in entries}

    def concluded(self, month: str) -> Entry | None:
        """Return the standing conclusion of the search before a month's training, None where there is none."""
        return self._concluded.get(month)

    def is_due(self, month: str) -> bool:
        """Return whether a search goes before the training of a month."""
        search = self._usecase.search
        if search is None:
            return False
        due = shift_month(month_of(self._usecase.calendar.first), search.first_after_months - 1)
        while due < month:
            due = shift_month(due, search.every_months)
        return due == month

    def awaits(self, month: str) -> bool:
        """Return whether the training of a month waits for its search."""
        return self.is_due(month) and month not in self._concluded

    def awaited(self, up_to: str) -> list[str]:
        """Return the months up to one whose searches are due and not concluded, in order."""
        return [month for month in training_months(self._usecase, up_to) if self.awaits(month)]

    def adoption(self, key: str) -> Entry | None:
        """Return the search from which the recipe of a training comes; None where it is the declared one."""
        adopted = self._adopted(key)
        return adopted[-1] if adopted else None

    def model(self, key: str) -> Model:
        """Return the declaration with the recipe that is in force for a training."""
        declared, found = self._usecase.model, self.adoption(key)
        return declared if found is None else declared.built_by(Recipe.model_validate(found.payload["recipe"]))

    def usecase(self, key: str) -> UseCase:
        """Return the use case with the recipe that is in force for a training."""
        return self._usecase.model_copy(update={"model": self.model(key)})

    def shown_better(self, key: str, new: Recipe, old: Recipe) -> list[Entry]:
        """Return the searches, the newest first, that lead from a recipe to a better one; empty where none do."""
        path: list[Entry] = []
        for entry in reversed(self._adopted(key)):
            if Recipe.model_validate(entry.payload["recipe"]) == new:
                path.append(entry)
                new = Recipe.model_validate(entry.payload["before"])
            if path and new == old:
                return path
        return []

    def _adopted(self, key: str) -> list[Entry]:
        declared = self._usecase.model.recipe
        return [
            entry
            for entry in self._concluded.values()
            if entry.decision == "ADOPT"
            and entry.effective_at <= cut_of(key)
            and Recipe.model_validate(entry.payload["declared"]) == declared
        ]


def model_of_version(ledger: Ledger, usecase: UseCase, facts: Mapping[str, Any]) -> Model:
    """Return the declaration by which a version was built; today's for one that the chain did not train.

    It stands in the record of the version's training set.

    Args:
        facts: `model_version`, and if known `trained_on`, the key of its training.
    """
    trained = ledger.entries(usecase.name, kind="candidate", subject="model", partition=facts.get("trained_on"))
    for entry in reversed(trained):
        if entry.payload.get("model_version") == facts["model_version"]:
            return model_of_dataset(ledger, usecase, entry.payload.get("dataset"))
    return usecase.model


def columns_of_version(ledger: Ledger, usecase: UseCase, version: str) -> tuple[str, ...]:
    """Return the features that a version takes: of a model its own, of a baseline those that it groups by."""
    # A baseline that promotion made where training broke down stands in that decision alone.
    candidates = ledger.entries(usecase.name, kind="candidate", subject="model")
    decisions = ledger.entries(usecase.name, kind="promotion", subject="model")
    for entry in (*reversed(candidates), *reversed(decisions)):
        payload = entry.payload
        if entry.kind == "candidate" and payload.get("model_version") == version:
            return model_of_dataset(ledger, usecase, payload.get("dataset")).features
        if (payload.get("baseline") or {}).get("model_version") == version:
            return model_of_dataset(ledger, usecase, payload.get("dataset")).baseline_by
    return usecase.model.features


def model_of_dataset(ledger: Ledger, usecase: UseCase, dataset: Mapping[str, Any] | None) -> Model:
    """Return the declaration that the record of a training set holds; today's where no record was kept.

    Args:
        dataset: what a candidate's entry says of it.
    """
    if not (name := (dataset or {}).get("snapshot")):
        return usecase.model
    (entry, *_) = ledger.entries(usecase.name, kind="dataset", subject=name)
    return Model.model_validate(entry.payload["model"])
