"""Reads `docker-compose.yaml` as compose does, as far as this project's file needs it: merges and interpolation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[2] / "docker-compose.yaml"
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<operator>:[-?])(?P<rest>[^{}]*))?\}|(?P<invalid>))")


class MissingVariable(ValueError):
    """A variable that the file requires is not set; the message is the file's own."""


def load(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the file with YAML merges and variables resolved; a variable without value is taken or left out."""
    return _interpolated(yaml.safe_load(FILE.read_text(encoding="utf-8")), environment)


def _interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        found = {key: _interpolated(item, environment) for key, item in value.items()}
        if "environment" in found:
            given = {key: environment.get(key) if item is None else item for key, item in found["environment"].items()}
            found["environment"] = {key: item for key, item in given.items() if item is not None}
        return found
    if isinstance(value, list):
        return [_interpolated(item, environment) for item in value]
    return _VARIABLE.sub(lambda match: _value(match, environment), value) if isinstance(value, str) else value


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match["escaped"]:
        return "$"
    if match["name"] is None:
        raise ValueError(f"not a variable: {match.string[match.start() :][:40]!r}")
    found = environment.get(match["name"], "")
    if not found and match["operator"] == ":?":
        raise MissingVariable(match["rest"])
    return found or (match["rest"] or "" if match["operator"] == ":-" else "")
