"""What a model was made with: Python, the packages whose version may change a score, the locks, the threads."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

from catena.modeling.threads import THREADS
from catena.settings import PROJECT_ROOT

_PACKAGES = ("scikit-learn", "skops", "numpy", "scipy", "pandas")


def requirements() -> list[str]:
    """Return pinned requirements for loading a model elsewhere; given, not inferred, which would take seconds."""
    return [f"{name}=={version(name)}" for name in _PACKAGES]


def environment() -> dict[str, str]:
    """Return the versions of Python and the packages, the machine, the digests of the lock files, the threads."""
    packages = (*_PACKAGES, "catena", "deltalake", "duckdb", "mlflow", "pyarrow", "threadpoolctl")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": str(THREADS),
        **{name: version(name) for name in packages},
        **lock_digests(),
    }


def lock_digests() -> dict[str, str]:
    """Return the SHA-256 of each lock file of the installation; none where the library was installed without them."""
    locks = sorted((PROJECT_ROOT / "requirements").glob("*.lock"))
    return {f"lock.{lock.stem}": hashlib.sha256(lock.read_bytes()).hexdigest() for lock in locks}
