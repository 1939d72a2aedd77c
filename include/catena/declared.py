"""Finds the declared use cases: each package in `usecases` that has a `USECASE`, with the environment's gates."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

import usecases
from catena.declaration import Gate, UseCase
from catena.settings import settings


class UnknownUseCase(KeyError):
    """No use case of that name is declared."""


@cache
def declared_usecases() -> tuple[UseCase, ...]:
    """Return all declared use cases, by name."""
    overrides = settings().gates
    names = sorted(module.name for module in pkgutil.iter_modules(usecases.__path__) if module.ispkg)
    found = tuple(importlib.import_module(f"usecases.{name}").USECASE for name in names)
    if strange := sorted(set(overrides) - set(names)):
        raise UnknownUseCase(f"the environment sets gates of {strange}; declared are {names}")
    return tuple(governed(usecase, overrides) for usecase in found)


def governed(usecase: UseCase, gates: Mapping[str, Mapping[str, Any]]) -> UseCase:
    """Return a use case with the gate that an environment gives it.

    Args:
        gates: fields of gates that are other there, by use case.
    """
    if not (changes := gates.get(usecase.name)):
        return usecase
    gate = Gate.model_validate({**usecase.gate.model_dump(), **changes})
    return usecase.model_copy(update={"gate": gate})


def declared_usecase(name: str) -> UseCase:
    """Return one declared use case.

    Raises:
        UnknownUseCase: naming those that there are.
    """
    for usecase in declared_usecases():
        if usecase.name == name:
            return usecase
    raise UnknownUseCase(f"no use case {name!r}; declared are {[usecase.name for usecase in declared_usecases()]}")
