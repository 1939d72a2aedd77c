"""A model's file: skops, checked by its digest and by the reviewed types before anything is built from it.

Where files come from belongs in `catena.registry.store`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import skops.io


class UntrustedModel(RuntimeError):
    """A model file holds types that nobody reviewed."""


class ModelTampered(RuntimeError):
    """A model file is not the one that was registered."""


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def check_types(file: Path, trusted: Sequence[str]) -> None:
    """Refuse a file that holds types beyond skops' own and the reviewed ones.

    Raises:
        UntrustedModel: naming them.
    """
    if strange := sorted(set(skops.io.get_untrusted_types(file=file)) - set(trusted)):
        raise UntrustedModel(
            f"{file.name} holds the types {strange}, which are not reviewed: read them, then add them to "
            "registry/trusted_types.py, or to the use case's Model.trusted_types"
        )


def load_checked(file: Path, sha256: str, trusted: Sequence[str]) -> Any:
    """Return the estimator in a file.

    Raises:
        ModelTampered: its digest is not the registered one.
        UntrustedModel: it holds types that are not reviewed.
    """
    if (found := digest_of(file)) != sha256:
        raise ModelTampered(f"{file} has the digest {found[:12]}, but {sha256[:12]} was registered: delete the file")
    check_types(file, trusted)
    return skops.io.load(file, trusted=list(trusted))
