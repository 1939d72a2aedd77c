"""Finds the declared use cases: each package in `usecases` that has a `USECASE`, as the environment has it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

import usecases
from catena.declaration import Gate, UseCase


class UnknownUseCase(KeyError):
    """No use case of that name is declared."""


@cache
def declared_usecases() -> tuple[UseCase, ...]:
    """Return all use cases as they are declared, by name; what DAG files are built from, and read at every parse."""
    names = sorted(module.name for module in pkgutil.iter_modules(usecases.__path__) if module.ispkg)
    return tuple(importlib.import_module(f"usecases.{name}").USECASE for name in names)


def declared_usecase(name: str) -> UseCase:
    """Return one declared use case, with the gate that this environment gives it, and whether it is trained here.

    Raises:
        UnknownUseCase: naming those that there are; also where the environment sets the gate of one that is none.
    """
    # Only what works needs the environment: reading it would cost each parse of a DAG file a tenth of a second.
    from catena.settings import settings

    there = {usecase.name: usecase for usecase in declared_usecases()}
    environment = settings()
    gates = environment.gates
    if strange := sorted(set(gates) - set(there)):
        raise UnknownUseCase(f"the environment sets gates of {strange}; declared are {sorted(there)}")
    if name not in there:
        raise UnknownUseCase(f"no use case {name!r}; declared are {sorted(there)}")
    found = governed(there[name], gates)
    return found if environment.trains else found.model_copy(update={"trains": False})


def governed(usecase: UseCase, gates: Mapping[str, Mapping[str, Any]]) -> UseCase:
    """Return a use case with the gate that an environment gives it.

    Args:
        gates: fields of gates that are other there, by use case.
    """
    if not (changes := gates.get(usecase.name)):
        return usecase
    gate = Gate.model_validate({**usecase.gate.model_dump(), **changes})
    return usecase.model_copy(update={"gate": gate})
