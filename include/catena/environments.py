"""Environments, as `environments.toml` declares them: what each sets otherwise, and whether people approve promotions.

Where an environment keeps its state and which ports it has are settings (`catena.settings`), read from here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

DEFAULT = "dev"
# Settings that are places; where they are relative, they lie beside the file that names them.
_PLACES = ("home", "pages_dir", "broker_credentials", "schema_registry_credentials", "dags_folder", "plugins_folder")


class UnknownEnvironment(ValueError):
    """No environment of that name is declared, or it sets what is no setting."""


class Approval(BaseModel):
    """Whether a person approves what the gate would promote; off unless an environment asks for it.

    Attributes:
        usecases: those that need it; empty: all.
        approvers: users of Airflow who may answer; empty: all who may edit the DAG.
        hours: how long an answer is waited for; none in that time means HOLD.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    required: bool = False
    usecases: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    hours: float = Field(default=72, gt=0)

    def is_needed(self, usecase: str) -> bool:
        """Return whether a promotion of a use case needs it."""
        return self.required and (not self.usecases or usecase in self.usecases)


def declared_environments(file: Path) -> dict[str, dict[str, Any]]:
    """Return what each environment sets, by name; `dev` is always there, and sets nothing unless it is declared."""
    content = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {DEFAULT: {}, **content}


def declared_settings(file: Path, name: str, known: set[str]) -> dict[str, Any]:
    """Return what an environment sets; its home is `.catena/<name>` unless it says so, that of `dev` is `.catena`.

    Args:
        file: `environments.toml`.
        name: of the environment.
        known: names of all settings.

    Raises:
        UnknownEnvironment: naming those that there are.
    """
    there = declared_environments(file)
    if name not in there:
        raise UnknownEnvironment(f"no environment {name!r} in {file}; there are {sorted(there)} (CATENA_ENVIRONMENT)")
    given = dict(there[name])
    if strange := sorted(set(given) - known):
        raise UnknownEnvironment(f"{file}: [{name}] sets {strange}, which are no settings; `catena env show` has all")
    if name != DEFAULT:
        given.setdefault("home", f".catena/{name}")
    return {key: file.parent / value if key in _PLACES else value for key, value in given.items()}
