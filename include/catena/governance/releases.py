"""Which release of the code an installation ran from when: one entry of the ledger for each change.

Each entry of the ledger and each commit of the lake carries a `code_version`; the entry here says what that was.
What the release consists of is looked up in `catena.platform.release`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from catena.governance.ledger import Entry, Ledger
from catena.run import Run

PLATFORM = "platform"


def releases_of(ledger: Ledger) -> list[Entry]:
    """Return the releases that were installed, in the order of their recording."""
    return sorted(ledger.entries(PLATFORM, kind="code_release"), key=lambda entry: entry.id)


def record_release(ledger: Ledger, run: Run, facts: Mapping[str, Any]) -> bool:
    """Enter the release that is installed now, unless it was the last one, too; return whether it was entered."""
    before = releases_of(ledger)
    if before and (before[-1].partition, before[-1].payload) == (run.code_version, dict(facts)):
        return False
    return ledger.append(
        run, kind="code_release", subject="code", partition=run.code_version, decision="INSTALLED",
        effective_at=datetime.now(UTC), payload=facts,
    )  # fmt: skip
