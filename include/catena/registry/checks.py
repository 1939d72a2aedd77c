"""One condition of a promotion as the ledger keeps it, and the one that asks nothing of quality: the rehearsal.

The conditions on quality, data and readiness belong in `catena.registry.promotion`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "not judged"]
Verdict = Literal["PROMOTE", "HOLD", "REJECT"]
REHEARSAL = "rehearsal"


@dataclass(frozen=True)
class Check:
    """One condition of a promotion.

    Attributes:
        asks: what it asks for: PROMOTE where it does not stand in the way.
        reason: one sentence with the numbers, for the ledger and the report.
        numbers: what was measured and what is allowed, JSON-ready.
    """

    name: str
    status: Status
    asks: Verdict
    reason: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rehearsal:
    """How a version's registered file, loaded and called as in service, scored real rows before it serves.

    Attributes:
        day: whose rows it scored, all of them as scoring reads them.
        rows: their number.
        held_out: rows of its holdout that it scored, too.
        is_as_trained: whether those scores are the ones of its training, to the bit; None where none are on record.
        fault: why it could not score; empty where it could.
    """

    day: str
    rows: int
    held_out: int
    is_as_trained: bool | None
    fault: str = ""


def rehearses(found: Rehearsal) -> Check:
    """Refuse a challenger whose file cannot do in service what it did at training."""
    numbers = asdict(found)
    if found.fault:
        reason = f"Its registered file cannot score the rows of {found.day}: {found.fault}."
        return Check(REHEARSAL, "failed", "REJECT", reason, numbers)
    said = f"From its registered file it scored all {found.rows} rows of {found.day} as in service"
    if found.is_as_trained is None:
        return Check(REHEARSAL, "passed", "PROMOTE", f"{said}; of its training no scores are on record.", numbers)
    if not found.is_as_trained:
        # No veto: another processor may sum in another order, and what is judged are the scores of this very file.
        reason = f"{said}, but scores the {found.held_out} rows held out not to the bit as at training."
        return Check(REHEARSAL, "failed", "PROMOTE", reason, numbers)
    reason = f"{said}, and the {found.held_out} rows held out to the bit as at training."
    return Check(REHEARSAL, "passed", "PROMOTE", reason, numbers)
