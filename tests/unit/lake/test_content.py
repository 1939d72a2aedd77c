from __future__ import annotations

import math
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catena.declaration import Column, Table
from catena.lake import arrow_schema, combined_identity, content_identity, identity_of
from catena.lake.content import content_identities

TABLE = Table(
    name="t",
    description="Every type.",
    owner="o",
    primary_key=("k",),
    is_partitioned=False,
    columns=(
        Column(name="k", type="int64", nullable=False, description="Key."),
        Column(name="s", type="string", description="Text."),
        Column(name="f", type="float64", description="Number."),
        Column(name="b", type="bool", description="Truth."),
        Column(name="t", type="timestamp", description="Time."),
        Column(name="v", type="string", description="Volatile.", is_volatile=True),
    ),
)
# A few characters of one to four bytes, and NUL: the whole of Unicode takes seconds to load.
TEXT = st.text("ab\x00é☃😀", max_size=4)
RECORD = st.fixed_dictionaries(
    {
        "s": st.none() | TEXT,
        "f": st.none() | st.floats(),
        "b": st.none() | st.booleans(),
        "t": st.none() | st.integers(0, 2**50),
        "v": st.none() | TEXT,
    }
)
RECORDS = st.lists(RECORD, max_size=12).map(lambda rows: [row | {"k": n} for n, row in enumerate(rows)])


def build(records: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(records, schema=arrow_schema(TABLE))


@given(RECORDS, st.randoms(use_true_random=False), st.integers(0, 12))
def test_identity_ignores_order_chunks_and_offsets(records: list[dict[str, object]], chance: random.Random, cut: int):
    """Equal rows have one identity, however they are ordered, chunked or sliced out of larger buffers."""
    expected = content_identity(build(records), TABLE)
    shuffled = list(records)
    chance.shuffle(shuffled)
    surrounded = build([{"k": -1, "s": "before", "b": True}, *shuffled, {"k": 99, "s": "after", "f": 1.0}])
    sliced = surrounded.slice(1, len(records))
    chunked = pa.concat_tables([sliced.slice(0, cut), sliced.slice(cut)])
    assert content_identity(build(shuffled), TABLE) == expected
    assert content_identity(sliced, TABLE) == expected
    assert content_identity(chunked, TABLE) == expected


@given(RECORDS.filter(bool), st.data())
def test_identity_feels_any_change(records: list[dict[str, object]], data: st.DataObject):
    """One changed value, one more or one less row, is another content; a volatile column is not content."""
    row = data.draw(st.integers(0, len(records) - 1))
    name = data.draw(st.sampled_from(["s", "f", "b", "t"]))
    value = data.draw(RECORD)[name]
    old = records[row][name]
    changed = [*records[:row], records[row] | {name: value}, *records[row + 1 :]]
    is_same = (
        (old == value and math.copysign(1, old) == math.copysign(1, value)) or (math.isnan(old) and math.isnan(value))
        if isinstance(old, float) and isinstance(value, float)
        else old == value
    )
    identity = content_identity(build(records), TABLE)
    if not (isinstance(old, float) and isinstance(value, float) and math.isnan(old) and math.isnan(value)):
        assert (content_identity(build(changed), TABLE) == identity) == is_same
    assert content_identity(build(records[1:]), TABLE) != identity
    volatile = [record | {"v": "landed again"} for record in records]
    assert content_identity(build(volatile), TABLE) == identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([{"s": None}], [{"s": ""}]),
        ([{"f": None}], [{"f": math.nan}]),
        ([{"f": None}], [{"f": 0.0}]),
        ([{"b": None}], [{"b": False}]),
        ([{"s": "ab"}, {"s": "c"}], [{"s": "a"}, {"s": "bc"}]),
        ([{"s": "x"}, {"s": None}], [{"s": None}, {"s": "x"}]),
    ],
)
def test_look_alikes_are_told_apart(one, other):
    """Null is not empty, zero, false or NaN, and text does not flow from one row into the next."""
    left, right = (build([row | {"k": n} for n, row in enumerate(rows)]) for rows in (one, other))
    assert content_identity(left, TABLE) != content_identity(right, TABLE)


def test_identity_is_stable_across_releases():
    """The identity of known rows never changes: a lake written last year is still recognised.

    The expected number is SHA-256 over the documented layout, worked out by hand in this test.
    """
    import hashlib
    import struct

    digest = hashlib.sha256(b"2")
    digest.update(b"/b:bool/" + bytes([0, 1]) + bytes([1]))
    digest.update(b"/f:double/" + bytes([0, 0]) + struct.pack("<2d", 1.5, -2.0))
    digest.update(b"/k:int64/" + bytes([0, 0]) + struct.pack("<2q", 1, 2))
    digest.update(b"/s:string/" + bytes([0, 0]) + struct.pack("<2i", 2, 1) + b"abc")
    digest.update(b"/t:timestamp[us, tz=UTC]/" + bytes([1, 0]) + struct.pack("<q", 10))
    expected = int.from_bytes(digest.digest()[:8], "big") & (2**63 - 1)
    rows = build([{"k": 2, "s": "c", "f": -2.0, "t": 10}, {"k": 1, "s": "ab", "f": 1.5, "b": True}])
    assert content_identity(rows, TABLE) == expected


@given(st.dictionaries(TEXT, st.integers() | st.none() | TEXT, max_size=6))
def test_identity_of_values_ignores_key_order_and_fits_delta(values: dict[str, object]):
    """The order in which inputs are named means nothing, and the number fits a signed 64-bit integer."""
    backwards = dict(reversed(values.items()))
    assert identity_of(values) == identity_of(backwards) == combined_identity(backwards)
    assert 0 <= identity_of(values) < 2**63


@given(st.lists(st.integers(0, 4), max_size=30))
def test_identities_of_many_partitions_are_those_of_each(days: list[int]):
    """One pass over many partitions, some of them empty, gives what each of them gives alone."""
    records = [
        {"k": number, "s": None if number % 3 == 0 else "é" * (number % 5), "f": number / 7, "t": number or None}
        for number in range(len(days))
    ]
    parts = {day: build([record for record, of in zip(records, days, strict=True) if of == day]) for day in range(5)}
    alone = {day: content_identity(part, TABLE) for day, part in parts.items()}
    assert content_identities(parts, TABLE) == alone
