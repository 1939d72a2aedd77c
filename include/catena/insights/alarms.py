"""Which answers are leakage alarms, by the limits that the use case declares; and which checks were made at all.

How the numbers come about belongs in the questions (`catena.insights.exploration`) and statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from catena.declaration import Exploration

Rows = list[dict[str, Any]]
Rule = Literal["knows_the_future", "too_good", "train_test_overlap"]


@dataclass(frozen=True)
class Alarm:
    """One sign of leakage.

    Attributes:
        subject: the feature, or the training set.
        reason: what was found, in a sentence without numbers.
        query: question whose answer says so, with the row and the column of the number.
    """

    rule: Rule
    subject: str
    reason: str
    query: str
    row: int
    column: str
    value: float
    limit: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True)
class Check:
    """One rule as it was applied.

    Attributes:
        checked: how many features or columns it looked at; 0 where it could not be made.
        reason: why it could not be made; empty otherwise.
    """

    rule: Rule
    how: str
    checked: int
    alarms: tuple[Alarm, ...]
    reason: str = ""

    @property
    def verdict(self) -> Literal["ALARM", "CLEAR", "NOT_CHECKED"]:
        """What came of it."""
        if not self.checked:
            return "NOT_CHECKED"
        return "ALARM" if self.alarms else "CLEAR"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {**asdict(self), "verdict": self.verdict, "alarms": [alarm.as_dict() for alarm in self.alarms]}


def checks(answers: Mapping[str, Rows], declared: Exploration) -> list[Check]:
    """Return every check in order, also those that could not be made.

    Args:
        answers: rows by the name of their question; those that were not asked are missing.
    """
    return [_rebuilt(answers), _twins(answers, declared), _alone(answers, declared), _beyond(answers, declared),
            _split(answers)]  # fmt: skip


def _rebuilt(answers: Mapping[str, Rows]) -> Check:
    rows = answers.get("rebuilt", [])
    what = "is not what its SQL makes of the rows known at the decision"
    alarms = [
        Alarm("knows_the_future", row["name"], what, "rebuilt", place, "differing", row["differing"], 0)
        for place, row in enumerate(rows)
        if row["differing"]
    ]
    reason = "" if rows else "no day of the period has features that were made from the inputs as they are now"
    return Check("knows_the_future", "made again at the cut and compared", len(rows), tuple(alarms), reason)


def _twins(answers: Mapping[str, Rows], declared: Exploration) -> Check:
    rows = answers.get("twins", [])
    alarms = [
        Alarm("knows_the_future", row["name"],
              f"is the same as {row['table']}.{row['column']}, which is known only after the decision",
              "twins", place, "agreement", row["agreement"], declared.maximum_agreement)
        for place, row in enumerate(rows)
        if row["agreement"] is not None and row["agreement"] > declared.maximum_agreement
    ]  # fmt: skip
    checked = sum(row["agreement"] is not None for row in rows)
    reason = "" if checked else "no column that is known only after the decision has enough rows"
    return Check("knows_the_future", "compared with columns that are known only later", checked, tuple(alarms), reason)


def _alone(answers: Mapping[str, Rows], declared: Exploration) -> Check:
    what = "alone tells the label better than any feature should"
    return _power(answers, declared, "alone", "each feature alone against the label", what)


def _beyond(answers: Mapping[str, Rows], declared: Exploration) -> Check:
    what = "tells the label, once what the other features say of it is taken away, better than any feature should"
    return _power(answers, declared, "beyond", "what each feature says beyond the others, against the label", what)


def _power(answers: Mapping[str, Rows], declared: Exploration, column: str, how: str, what: str) -> Check:
    rows = answers.get("power", [])
    alarms = [
        Alarm("too_good", row["name"], what, "power", place, column, row[column], declared.maximum_auc)
        for place, row in enumerate(rows)
        if row[column] is not None and row[column] > declared.maximum_auc
    ]
    checked = sum(row[column] is not None for row in rows)
    reason = "" if checked else "no feature has enough labelled rows of both outcomes"
    return Check("too_good", how, checked, tuple(alarms), reason)


_SPLIT: tuple[tuple[str, str], ...] = (
    ("shared_entities", "has the same entities in training and holdout"),
    ("before_train_ends", "is not split in time: rows of the holdout were decided before the last one of the training"),
    ("late_labels", "trains on labels that became known after the holdout's first decision"),
)


def _split(answers: Mapping[str, Rows]) -> Check:
    rows = answers.get("split", [])
    counts = rows[0] if rows else {}
    alarms = [
        Alarm("train_test_overlap", "training set", what, "split", 0, column, counts[column], 0)
        for column, what in _SPLIT
        if counts.get(column)
    ]
    reason = "" if rows else "no training set was taken of this period"
    return Check("train_test_overlap", "the training set's split", len(rows), tuple(alarms), reason)
