"""What the installed release consists of, and its entry in the ledger when an installation starts with it.

The version is a digest of the sources (`catena.run.code_version`); this adds where they came from.
"""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from catena.database import connect
from catena.governance import Ledger
from catena.governance.releases import PLATFORM, record_release
from catena.registry.environment import lock_digests
from catena.run import Run
from catena.settings import PROJECT_ROOT, Settings


def release_facts(settings: Settings) -> dict[str, Any]:
    """Return version, commit, locks, Python and environment of what is installed."""
    return {
        "version": version("catena"),
        "python": platform.python_version(),
        "environment": settings.environment,
        **commit_of(PROJECT_ROOT),
        **lock_digests(),
    }


def commit_of(folder: Path) -> dict[str, Any]:
    """Return the git commit of a folder that is a repository, and whether nothing in it differs from that commit.

    None stands for both where the folder is no repository, or git is not installed: an image has neither.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != folder.resolve():
        return {"commit": None, "is_clean": None}
    changes = _git(folder, "status", "--porcelain")
    return {"commit": _git(folder, "rev-parse", "HEAD"), "is_clean": None if changes is None else not changes}


def record_installed(settings: Settings) -> bool:
    """Enter the installed release into the ledger, once for each change; return whether it was entered."""
    engine = connect(settings)
    try:
        run = Run(PLATFORM, "install", f"manual__{uuid4()}")
        return record_release(Ledger(engine), run, release_facts(settings))
    finally:
        engine.dispose()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - wherever the user has it
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
