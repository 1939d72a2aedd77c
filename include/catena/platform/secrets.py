"""Secrets of one installation: generated once, kept in files that only their owner reads.

Secrets that a deployment brings itself (a database URL) are settings.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from catena.settings import Settings

FOLDER = "secrets"


def secret(settings: Settings, name: str) -> str:
    """Return the secret of that name, generated on first use (256 bits, URL-safe base64: also a valid Fernet key)."""
    path = settings.home / FOLDER / name
    if not path.exists():
        write_private(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return path.read_text(encoding="utf-8").strip()


def password(settings: Settings, name: str) -> str:
    """Return a password that a person types, generated on first use (120 bits, letters and digits)."""
    path = settings.home / FOLDER / name
    if not path.exists():
        alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
        write_private(path, "".join(secrets.choice(alphabet) for _ in range(21)))
    return path.read_text(encoding="utf-8").strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, atomically: no reader sees it open or half."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
