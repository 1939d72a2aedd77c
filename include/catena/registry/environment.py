"""What a model was made with: Python, and the packages whose version may change a score."""

from __future__ import annotations

import platform
from importlib.metadata import version

_PACKAGES = ("scikit-learn", "skops", "numpy", "scipy", "pandas")


def requirements() -> list[str]:
    """Return pinned requirements for loading a model elsewhere; given, not inferred, which would take seconds."""
    return [f"{name}=={version(name)}" for name in _PACKAGES]


def environment() -> dict[str, str]:
    """Return Python's and the packages' versions."""
    packages = (*_PACKAGES, "catena", "deltalake", "duckdb", "mlflow", "pyarrow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
