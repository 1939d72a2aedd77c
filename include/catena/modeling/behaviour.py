"""Behaviour tests: what anyone would expect of the scores, asked of each row of the holdout. Pure.

A test passes where its lower bound by days keeps the declared limit, and fails where its estimate breaks it; between
both it is not shown: the rows obey, but so few days do not tell that others would (Ribeiro and others, Beyond
Accuracy, 2020, name the three kinds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from catena.declaration import BehaviourTest, Direction, Invariance, MinimumFunctionality
from catena.modeling.bootstrap import Interval, Resampling, mean_interval, within
from catena.modeling.judged import Judged, Numbers

Verdict = Literal["passed", "failed", "not shown"]


@dataclass(frozen=True)
class Behaviour:
    """How a behaviour test came out.

    Attributes:
        measure: what the estimate is: the share of rows that obey, or the change of the mean score in the expected
            sense.
        estimate: with its interval; obeys where it is at least `limit`.
        obeying: share of the rows that obey by themselves.
        rows: rows that could be asked.
        largest: the largest change of a single row's score that goes against the test; 0 where none does.
        is_veto: whether a challenger that fails may not serve.
    """

    name: str
    kind: str
    reason: str
    measure: Literal["share of rows", "change of the mean"]
    limit: float
    verdict: Verdict
    estimate: Interval
    obeying: float | None
    rows: int
    largest: float
    is_veto: bool

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {**self.__dict__, "estimate": self.estimate.as_dict()}


def behave(test: BehaviourTest, judged: Judged, resampling: Resampling) -> Behaviour:
    """Return how a model comes out of a test on its holdout."""
    if isinstance(test, Direction):
        return _direction(test, judged, resampling)
    moved, is_right = _invariance(test, judged) if isinstance(test, Invariance) else _functionality(test, judged)
    share = within(mean_interval(is_right, judged.day, resampling), 0.0, 1.0)
    return _concluded(test, test.minimum_share, share, is_right, np.where(is_right, 0.0, moved))


def _invariance(test: Invariance, judged: Judged) -> tuple[Numbers, Any]:
    moved = np.abs(judged.scores_with(judged.taken(test.change)) - judged.scores)
    return moved, moved <= test.tolerance


def _functionality(test: MinimumFunctionality, judged: Judged) -> tuple[Numbers, Any]:
    lead = judged.scores_with(judged.taken(test.higher)) - judged.scores_with(judged.taken(test.lower))
    return np.abs(lead), lead > test.margin


def _direction(test: Direction, judged: Judged, resampling: Resampling) -> Behaviour:
    sign = 1.0 if test.expected == "not_lower" else -1.0
    if test.column in judged.frame.columns:
        is_there = judged.frame[test.column].notna().to_numpy()
        raised = judged.scores_with({test.column: judged.frame[test.column] + test.add})
    else:
        is_there, raised = np.ones(len(judged.frame), dtype=bool), judged.scores
    gain = (sign * (raised - judged.scores))[is_there]
    change = mean_interval(gain, judged.day[is_there], resampling)
    return _concluded(test, -test.tolerance, change, gain >= -test.tolerance, np.maximum(0.0, -gain))


def _concluded(test: BehaviourTest, limit: float, estimate: Interval, is_right: Any, against: Numbers) -> Behaviour:
    verdict: Verdict = "not shown"
    if estimate.estimate is not None and estimate.estimate < limit:
        verdict = "failed"
    elif estimate.low is not None and estimate.low >= limit:
        verdict = "passed"
    rows = len(is_right)
    return Behaviour(
        test.name, test.kind, test.reason,
        "change of the mean" if isinstance(test, Direction) else "share of rows",
        limit, verdict, estimate, float(np.mean(is_right)) if rows else None, rows,
        float(against.max()) if rows else 0.0, test.is_veto,
    )  # fmt: skip
