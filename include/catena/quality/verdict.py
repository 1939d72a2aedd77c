"""The records of a validation: failing rows, results by rule, and the verdict on a partition.

How they come about belongs in `catena.quality.rules`; how they look in `catena.reports.verdict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Decision = Literal["PASS", "WARN", "FAIL", "NO_DATA"]


@dataclass(frozen=True)
class Failures:
    """Rows, by position, that break one rule."""

    rule: str
    severity: str
    column: str
    reason: str
    rows: npt.NDArray[np.int64]
    values: tuple[str, ...] = ()
    """What stands in the column, row by row; empty where the rule looks at several columns."""


@dataclass(frozen=True)
class RuleResult:
    """How one rule fared on one partition."""

    rule: str
    severity: str
    column: str
    reason: str
    success: bool
    failed_rows: int = 0
    observed: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What GX found on many partitions: failing rows, and results of rules on whole partitions."""

    failures: tuple[Failures, ...]
    whole: dict[str, tuple[RuleResult, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What is said of one partition of a dataset."""

    dataset: str
    partition: str
    source: str
    checksum: str
    results: tuple[RuleResult, ...]
    rows_in: int
    rows_quarantined: int
    is_absent: bool = False
    warnings: tuple[str, ...] = ()
    advice: str = ""

    @property
    def decision(self) -> Decision:
        """FAIL where a `fail` rule is broken, NO_DATA without a delivery, WARN where anything else is amiss."""
        broken = {result.severity for result in self.results if not result.success}
        if "fail" in broken:
            return "FAIL"
        if self.is_absent:
            return "NO_DATA"
        return "WARN" if broken or self.warnings else "PASS"

    @property
    def rows_published(self) -> int:
        """Rows that reach the clean tables: none where the partition fails."""
        return 0 if self.decision == "FAIL" else self.rows_in - self.rows_quarantined

    def broken(self) -> Sequence[RuleResult]:
        """Return the results that are not good."""
        return [result for result in self.results if not result.success]


def results_of(
    failures: Sequence[Failures],
    whole: Sequence[RuleResult],
    stated: Sequence[RuleResult],
    positions: npt.NDArray[np.int64],
    sources: npt.NDArray[np.int64],
) -> tuple[RuleResult, ...]:
    """Return how each rule fared on one partition.

    Args:
        failures: failures of all partitions.
        whole: results of the rules on the partition.
        stated: every rule on rows, as held.
        positions: the partition's rows, in ascending order.
        sources: line number of every row, for the examples.
    """
    broken: dict[tuple[str, str, str], RuleResult] = {}
    for failure in failures:
        first, last = (positions[0], positions[-1]) if len(positions) else (0, -1)
        inside = np.flatnonzero((failure.rows >= first) & (failure.rows <= last))
        if len(inside):
            examples = tuple(
                f"line {sources[failure.rows[at]]}" + (f": {failure.values[at]}" if failure.values else "")
                for at in inside[:5]
            )
            broken[failure.rule, failure.severity, failure.column] = RuleResult(
                failure.rule, failure.severity, failure.column, failure.reason, False, len(inside), "", examples
            )
    held = [broken.pop((rule.rule, rule.severity, rule.column), rule) for rule in stated]
    return (*broken.values(), *held, *whole)
