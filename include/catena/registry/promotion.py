"""The decision on what serves: challenger, champion and baseline, judged on the same holdout. Pure.

All metrics must come from the same evaluation, because comparing a stored champion score with a fresh challenger score
rewards drift, not a better model. Loading, evaluating and recording belong in `catena.chain.promote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from catena.declaration import Gate
from catena.modeling.metrics import gain

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Check:
    """One condition of a promotion.

    Attributes:
        reason: one sentence with the numbers, for the ledger and the report.
    """

    name: Literal["trained", "judged", "beats_baseline", "beats_champion", "is_calibrated"]
    is_passed: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """PROMOTE if all checks passed, otherwise HOLD: what serves goes on serving."""

    decision: Literal["PROMOTE", "HOLD"]
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> list[str]:
        """The sentences of the checks that decided: the failed ones, or all if none failed."""
        failed = [check.reason for check in self.checks if not check.is_passed]
        return failed or [check.reason for check in self.checks]

    def as_dict(self) -> dict[str, Any]:
        """Return the checks as JSON-ready values."""
        return {"checks": [asdict(check) for check in self.checks], "reasons": self.reasons}


def decide(
    gate: Gate, *, challenger: Metrics | None, champion: Metrics | None, baseline: Metrics | None, failure: str = ""
) -> Decision:
    """Return whether the challenger serves from now on.

    A tie is no promotion: what serves is known, and a change must be for the better.

    Args:
        gate: the declared conditions.
        challenger: its metrics on the holdout; None where training failed.
        champion: metrics of the model that serves, on the same rows; None where no model serves yet.
        baseline: metrics of the baseline, on the same rows.
        failure: why training failed.
    """
    if challenger is None:
        return _decided(Check("trained", False, f"There is no challenger: {failure or 'training failed'}."))
    value = challenger.get(gate.metric)
    if value is None:
        return _decided(Check("judged", False, f"The holdout does not define {gate.metric} for the challenger."))
    checks = [_beats("beats_baseline", gate.metric, value, baseline, gate.minimum_gain_over_baseline)]
    if champion is not None:
        checks.append(_beats("beats_champion", gate.metric, value, champion, gate.minimum_gain))
    if gate.maximum_ece is not None:
        checks.append(_is_calibrated(challenger.get("ece"), gate.maximum_ece))
    return _decided(*checks)


def _decided(*checks: Check) -> Decision:
    return Decision("PROMOTE" if all(check.is_passed for check in checks) else "HOLD", checks)


def _beats(
    name: Literal["beats_baseline", "beats_champion"], metric: str, value: float, other: Metrics | None, minimum: float
) -> Check:  # fmt: skip
    whom = "the baseline" if name == "beats_baseline" else "the champion"
    against = None if other is None else other.get(metric)
    if against is None:
        return Check(name, False, f"{metric} of {whom} is not defined on the holdout, so nothing can be compared.")
    gained = gain(metric, value, against)
    is_passed = gained > 0 and gained >= minimum
    numbers = f"{metric} {value:.4f} against {against:.4f} of {whom}"
    needed = f"at least {minimum:.4f} are needed" if minimum > 0 else "more than 0 is needed"
    return Check(name, is_passed, f"{numbers}: gain {gained:+.4f}, {needed}.")


def _is_calibrated(ece: float | None, maximum: float) -> Check:
    if ece is None:
        return Check("is_calibrated", False, "The holdout does not define the calibration error.")
    return Check("is_calibrated", ece <= maximum, f"Calibration error {ece:.4f}, at most {maximum:.4f} is allowed.")
