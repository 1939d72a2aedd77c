"""Which keys a canary serves: by a hash of salt and key, so that nobody has to keep a list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_ALL = float(2**64)


def on_canary(entities: Iterable[str], share: float, salt: str) -> npt.NDArray[np.bool_]:
    """Return for each key whether the canary serves it.

    The same key is always on the same side, and whoever is on the canary's with a share stays there with a larger one.

    Args:
        share: of all keys, from 0 to 1.
        salt: another one draws other keys.
    """
    return np.fromiter((_place(entity, salt) < share for entity in entities), bool)


def _place(entity: str, salt: str) -> float:
    """Return where a key stands between 0 and 1."""
    return int.from_bytes(hashlib.sha256(f"{salt}\x00{entity}".encode()).digest()[:8]) / _ALL
