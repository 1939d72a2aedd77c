"""Text becomes typed values, or is named; nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from catena.declaration import Column
from catena.quality.casts import typed


@pytest.mark.parametrize(
    ("type_", "texts", "values", "bad"),
    [
        ("int64", ["7", "-7", "007", "NA", ""], [7, -7, 7, None, None], []),
        ("int64", ["7", "far", "1.5", "0x1F", "9223372036854775808"], [7, None, None, None, None], [1, 2, 3, 4]),
        ("float64", ["1.5", "1e3", "NA"], [1.5, 1000.0, None], []),
        ("float64", ["inf", "NaN", "1,5", "2"], [None, None, None, 2.0], [0, 1, 2]),
        ("bool", ["true", "false", "maybe"], [True, False, None], [2]),
        ("string", ["NA", "", "N\x00", "ü"], [None, None, None, "ü"], [2]),
        (
            "timestamp",
            ["2013-01-05T10:00:00Z", "2013-02-31T10:00:00Z", "2013-01-05T10:00:00", "2013-01-05T05:00:00-05:00"],
            [datetime(2013, 1, 5, 10, tzinfo=UTC), None, None, datetime(2013, 1, 5, 10, tzinfo=UTC)],
            [1, 2],
        ),
    ],
)
def test_each_type_takes_what_it_means(type_, texts, values, bad):
    """A value of the type is read, a missing one is null, and everything else is null and named by row."""
    column = Column(name="a", type=type_, description="a")
    rows, failures = typed(pa.table({"a": texts}), (column,), "NA")
    assert rows["a"].to_pylist() == values
    assert [row for failure in failures for row in failure.rows.tolist()] == bad
    assert all(failure.rule == "type" and failure.column == "a" for failure in failures)


def test_failures_carry_the_text_as_it_came():
    """The reader of a verdict sees what stood there; a long text is cut."""
    column = Column(name="a", type="int64", description="a")
    _, (failure,) = typed(pa.table({"a": ["far", "1", "9" * 100]}), (column,), "NA")
    assert failure.values[0] == "'far'"
    assert "(100 characters)" in failure.values[1]
    assert len(failure.values[1]) < 100


def test_one_bad_value_among_many_costs_no_other():
    """Halving finds the one text that is no number."""
    column = Column(name="a", type="int64", description="a")
    texts = [str(number) for number in range(1000)]
    rows, (failure,) = typed(pa.table({"a": [*texts[:500], "x!", *texts[500:]]}), (column,), "NA")
    assert failure.rows.tolist() == [500]
    assert sum(rows["a"].drop_null().to_pylist()) == 499_500
