"""Each kind of rule takes out the rows that it is meant to, counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from catena.declaration import Between, Column, Fresh, Holds, InSet, Matches, NotNull, Unique, Volume
from catena.quality.expectations import RuleBroken
from catena.quality.rules import implied, judge, rule_name

DAY = "2013-01-05"
SAID = {"severity": "quarantine", "reason": "because"}
ROWS = pa.table(
    {
        "partition": [DAY] * 6,
        "a": pa.array([1, 2, None, 4, 5, 6], pa.int64()),
        "b": ["x", "x", "y", None, "zz", "x"],
    }
)


def broken_rows(rule, rows=ROWS, released=None):
    """Return the positions of the rows that break a rule."""
    may_pass = np.zeros(rows.num_rows, dtype=np.bool_) if released is None else np.asarray(released)
    found = judge(rows, [rule], [DAY], trailing=lambda key, days: None, released=may_pass, arrived={})
    return sorted(int(row) for failure in found.failures for row in failure.rows)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NotNull(column="a", **SAID), [2]),
        (NotNull(column="partition", **SAID), []),
        (Between(column="a", minimum=2, maximum=5, **SAID), [0, 5]),
        (Between(column="a", minimum=1, maximum=6, **SAID), []),
        (InSet(column="b", values=("x", "y"), **SAID), [4]),
        (InSet(column="a", values=(1, 2, 4, 5, 6), **SAID), []),
        (Matches(column="b", pattern="^[xy]$", **SAID), [4]),
        (Matches(column="b", pattern="^[xyz]+$", **SAID), []),
        (Holds(name="small", expression="a < 5", **SAID), [4, 5]),
        (Holds(name="any", expression="a < 50", **SAID), []),
        (Holds(name="number", expression="CAST(b AS INTEGER) > 0", **SAID), [0, 1, 2, 4, 5]),
        (Unique(columns=("a",), **SAID), []),
    ],
)
def test_a_rule_takes_out_its_rows(rule, expected):
    """Rows outside a rule are named by position; an absent value breaks no rule but that of presence."""
    assert broken_rows(rule) == expected


def test_of_equal_rows_the_first_stays_and_of_contradictions_none():
    """Copies of a row are superfluous; rows of one key that differ are all in doubt."""
    rows = pa.table({"partition": [DAY] * 5, "key": ["k", "k", "m", "m", "n"], "value": [1, 1, 1, 2, 1]})
    assert broken_rows(Unique(columns=("key",), **SAID), rows) == [1, 2, 3]


def test_the_released_row_is_the_one_that_stays():
    """A person has said which of the contradicting rows is right."""
    rows = pa.table({"partition": [DAY] * 2, "key": ["m", "m"], "value": [1, 2]})
    assert broken_rows(Unique(columns=("key",), **SAID), rows, [False, True]) == [0]


def test_a_key_may_return_in_another_partition():
    """Uniqueness is promised within a day."""
    rows = pa.table({"partition": [DAY, "2013-01-06"], "key": ["k", "k"]})
    assert broken_rows(Unique(columns=("key",), **SAID), rows) == []


@pytest.mark.parametrize(
    ("arrived", "mean", "success", "observed"),
    [
        (100, 100.0, True, "1.00"),
        (49, 100.0, False, "0.49"),
        (151, 100.0, False, "1.51"),
        (7, None, True, "no history"),
    ],
)
def test_volume_is_judged_by_the_trailing_mean(arrived, mean, success, observed):
    """Half to one and a half of the mean is usual; without history there is nothing to compare with."""
    rule = Volume(minimum_ratio=0.5, maximum_ratio=1.5, severity="warn", reason="because")
    found = judge(
        ROWS, [rule], [DAY], trailing=lambda key, days: mean, released=np.zeros(6, np.bool_), arrived={DAY: arrived}
    )
    (result,) = found.whole[DAY]
    assert result.success is success
    assert observed in result.observed


@pytest.mark.parametrize(("hour", "success"), [(21, True), (20, False)])
def test_fresh_is_judged_by_the_newest_row(hour, success):
    """A day whose newest row is of 21:00 UTC lies three hours before its end, one of 20:00 lies four."""
    rule = Fresh(column="at", within_hours=3, severity="warn", reason="because")
    instants = [datetime(2013, 1, 5, 3, tzinfo=UTC), datetime(2013, 1, 5, hour, tzinfo=UTC)]
    rows = pa.table({"partition": [DAY] * 2, "at": pa.array(instants, pa.timestamp("us", tz="UTC"))})
    found = judge(rows, [rule], [DAY], trailing=lambda key, days: None, released=np.zeros(2, np.bool_), arrived={})
    (result,) = found.whole[DAY]
    assert result.success is success


def test_failures_say_what_was_seen():
    """A verdict shows the values, in the order of the rows."""
    rule = Between(column="a", minimum=2, maximum=5, **SAID)
    found = judge(ROWS, [rule], [DAY], trailing=lambda key, days: None, released=np.zeros(6, np.bool_), arrived={})
    (failure,) = found.failures
    assert (failure.rule, failure.column, failure.values) == ("between(a)", "a", ("1", "6"))


def test_a_rule_that_cannot_be_evaluated_is_no_fault_of_the_data():
    """A pattern that is no pattern stops the ingest, it does not empty the table."""
    with pytest.raises(RuleBroken):
        broken_rows(Matches(column="b", pattern="(", **SAID))


def test_a_column_that_is_never_null_implies_its_rule():
    """What the contract says of a column need not be said again as a rule, and is not said twice."""
    columns = (
        Column(name="a", type="int64", description="a", nullable=False),
        Column(name="b", type="string", description="b", nullable=False),
        Column(name="c", type="string", description="c"),
    )
    stated = (NotNull(column="b", severity="warn", reason="because"),)
    assert [(rule_name(rule), rule.severity) for rule in implied(columns, stated)] == [
        ("not_null(a)", "quarantine"),
        ("not_null(b)", "warn"),
    ]
