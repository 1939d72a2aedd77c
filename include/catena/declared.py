"""Finds the declared use cases: each package in `usecases` that has a `USECASE`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import usecases
from catena.declaration import UseCase


class UnknownUseCase(KeyError):
    """No use case of that name is declared."""


@cache
def declared_usecases() -> tuple[UseCase, ...]:
    """Return all declared use cases, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(usecases.__path__) if module.ispkg)
    return tuple(importlib.import_module(f"usecases.{name}").USECASE for name in names)


def declared_usecase(name: str) -> UseCase:
    """Return one declared use case.

    Raises:
        UnknownUseCase: naming those that there are.
    """
    for usecase in declared_usecases():
        if usecase.name == name:
            return usecase
    raise UnknownUseCase(f"no use case {name!r}; declared are {[usecase.name for usecase in declared_usecases()]}")
