from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from catena.lake import CommitConflict, Lake, SchemaMismatch, Written, arrow_schema
from catena.run import Accounting, Run

D1, D2, D3 = "2013-01-01", "2013-01-02", "2013-01-03"


def values(lake: Lake, day: str) -> dict[str, float | None]:
    table = lake.read("readings", [day])
    return dict(zip(table["station"].to_pylist(), table["value"].to_pylist(), strict=True))


def test_overwrite_replaces_exactly_its_partition(lake, rows, run):
    """A write replaces all rows of its partition and none of another."""
    lake.overwrite("readings", rows(D1, a=1.0, b=2.0), run=run, partitions=[D1])
    lake.overwrite("readings", rows(D2, a=3.0), run=run, partitions=[D2])
    lake.overwrite("readings", rows(D1, c=9.0), run=run, partitions=[D1])
    assert values(lake, D1) == {"c": 9.0}
    assert values(lake, D2) == {"a": 3.0}
    assert lake.partitions("readings") == [D1, D2]


def test_equal_content_makes_no_version(lake, rows, run):
    """The same rows in another order, landed at another time, by another run, make no new version."""
    first = lake.overwrite("readings", rows(D1, a=1.0, b=None), run=run, partitions=[D1], inputs={D1: 7})
    again = rows(D1, b=None, a=1.0)
    landed = pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", tz="UTC"))
    again = again.set_column(3, arrow_schema(lake.tables["readings"]).field("landed_at"), landed)
    second = lake.overwrite("readings", again, run=Run("weather", "ingest", "run-2"), partitions=[D1], inputs={D1: 7})
    assert first == Written(1, True, (D1,))
    assert second == Written(1, False, ())


def test_restated_inputs_are_recorded_without_a_change(lake, rows, run):
    """Content made anew from other inputs is the same content, but is known to rest on the new inputs."""
    lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1], inputs={D1: 7})
    written = lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1], inputs={D1: 8})
    assert not written.is_changed
    assert written.changed_partitions == ()
    assert lake.inputs("readings", [D1, D2]) == {D1: 8, D2: None}
    assert values(lake, D1) == {"a": 1.0}


def test_range_is_one_commit_of_the_changed_days(lake, rows, run):
    """Many days go into one commit, and only those that changed are rewritten."""
    both = pa.concat_tables([rows(D2, a=2.0), rows(D1, a=1.0)])
    assert lake.overwrite("readings", both, run=run, partitions=[D1, D2, D3]) == Written(1, True, (D1, D2, D3))
    after = pa.concat_tables([rows(D1, a=1.0), rows(D2, a=5.0)])
    assert lake.overwrite("readings", after, run=run, partitions=[D1, D2, D3]) == Written(2, True, (D2,), (D2,))
    assert (values(lake, D1), values(lake, D2), values(lake, D3)) == ({"a": 1.0}, {"a": 5.0}, {})
    assert json.loads(lake.history("readings")[0]["catena.partitions"]) == [D2]


def test_empty_partition_differs_from_a_missing_one(lake, rows, run):
    """A day that delivered nothing was written, and one knows it; it is emptied if it held rows."""
    lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1])
    lake.overwrite("readings", rows(D1), run=run, partitions=[D1])
    contents = lake.contents("readings", [D1, D2])
    assert values(lake, D1) == {}
    assert contents[D1] is not None
    assert contents[D2] is None
    assert lake.partitions("readings") == []


def test_content_identity_travels_with_the_partition_not_the_day_it_was_written(lake, rows, run):
    """A, B, A ends as A: the identity returns, so whatever was made from A is current again."""
    identities = []
    for value in (1.0, 2.0, 1.0):
        lake.overwrite("readings", rows(D1, a=value), run=run, partitions=[D1])
        identities.append(lake.contents("readings", [D1])[D1])
    assert identities[0] == identities[2] != identities[1]


def test_unpartitioned_table_is_replaced_whole(lake, run):
    """Reference tables have no partition, and follow the same rules."""
    schema = arrow_schema(lake.tables["stations"])
    old = pa.Table.from_pylist([{"station": "a", "height_m": 3}, {"station": "b", "height_m": None}], schema=schema)
    new = pa.Table.from_pylist([{"station": "c", "height_m": 4}], schema=schema)
    assert lake.overwrite("stations", old, run=run).version == 1
    assert lake.overwrite("stations", old.take([1, 0]), run=run) == Written(1, False, ())
    assert lake.overwrite("stations", new, run=run) == Written(2, True, ("whole",), ("whole",))
    assert lake.read("stations").to_pylist() == [{"station": "c", "height_m": 4}]


def test_within_replaces_only_its_own_rows(lake, run):
    """Datasets that share a table do not take each other's rows away."""
    schema = arrow_schema(lake.tables["refused"])

    def refused(dataset: str, *ids: str) -> pa.Table:
        records = [{"partition": D1, "dataset": dataset, "row_id": row} for row in ids]
        return pa.Table.from_pylist(records, schema=schema)

    def write(dataset: str, *ids: str) -> bool:
        mine = {"dataset": dataset}
        return lake.overwrite("refused", refused(dataset, *ids), run=run, partitions=[D1], within=mine).is_changed

    assert write("flights", "1", "2")
    assert write("weather", "1")
    assert not write("flights", "2", "1")
    assert write("flights")
    assert lake.read("refused", [D1]).select(["dataset", "row_id"]).to_pylist() == [
        {"dataset": "weather", "row_id": "1"}
    ]
    with pytest.raises(ValueError, match=r"rows with dataset \['weather'\] in a write within 'flights'"):
        lake.overwrite("refused", refused("weather", "3"), run=run, partitions=[D1], within={"dataset": "flights"})


@pytest.mark.parametrize(
    ("table", "partitions", "message"),
    [
        ("readings", ["whole"], "name the partitions that the write replaces"),
        ("stations", [D1], "is not partitioned"),
        ("readings", ["2013' OR 1=1"], "are no partition keys"),
    ],
)
def test_keys_that_would_replace_more_than_meant_are_refused(lake, run, table, partitions, message):
    """A forgotten or forged key changes nothing, even with no rows to write."""
    empty = arrow_schema(lake.tables[table]).empty_table()
    with pytest.raises(ValueError, match=message):
        lake.overwrite(table, empty, run=run, partitions=partitions)
    assert lake.version(table) is None


def test_rows_of_another_partition_are_refused(lake, rows, run):
    """Rows that the write does not replace would pile up with each repetition."""
    with pytest.raises(ValueError, match=r"partitions \['2013-01-02'\] in a write of \['2013-01-01'\]"):
        lake.overwrite("readings", rows(D2, a=1.0), run=run, partitions=[D1])


def test_rows_that_share_a_primary_key_are_refused(lake, rows, run):
    """The declared key holds, and the message shows one that does not."""
    twice = pa.concat_tables([rows(D1, a=1.0), rows(D1, a=2.0)])
    with pytest.raises(SchemaMismatch, match=r"1 primary keys have several rows.*'station': 'a'"):
        lake.overwrite("readings", twice, run=run, partitions=[D1])


def test_commit_says_who_made_it_from_what(lake, rows, run):
    """A commit names use case, link, run, code, partitions, input versions and row accounting."""
    lake.overwrite(
        "readings",
        rows(D1, a=1.0),
        run=run,
        partitions=[D1],
        input_versions={"raw": 4, "none_yet": None},
        accounting=Accounting(3, 1, 2),
        details={"verdict": "PASS"},
    )
    commit = lake.history("readings")[0]
    assert {key: commit[f"catena.{key}"] for key in ("usecase", "link", "run_id", "code_version")} == {
        "usecase": "weather",
        "link": "ingest",
        "run_id": "run-1",
        "code_version": "0.1.0+test",
    }
    assert json.loads(commit["catena.partitions"]) == [D1]
    assert json.loads(commit["catena.input_versions"]) == {"raw": 4, "none_yet": None}
    assert json.loads(commit["catena.accounting"]) == {"rows_in": 3, "rows_published": 1, "rows_quarantined": 2}
    assert json.loads(commit["catena.details"]) == {"verdict": "PASS"}
    assert datetime.fromisoformat(commit["catena.committed_at"]).tzinfo == UTC


def test_append_once_takes_each_delivery_once(lake, rows, run):
    """The same delivery again adds nothing; another one does."""
    first = lake.append_once("readings", rows(D1, a=1.0), run=run, delivery=f"{D1}/aaa", details={})
    again = lake.append_once("readings", rows(D1, a=1.0), run=run, delivery=f"{D1}/aaa", details={})
    other = lake.append_once("readings", rows(D1, b=2.0), run=run, delivery=f"{D1}/bbb", details={})
    assert (first, again, other) == (Written(1, True, (D1,)), Written(1, False, ()), Written(2, True, (D1,)))
    assert values(lake, D1) == {"a": 1.0, "b": 2.0}


def test_lost_races_end_in_an_error_that_names_the_table(lake, rows, run, monkeypatch):
    """Where every attempt to commit is lost, the caller hears of it; nothing is written half."""
    from deltalake.exceptions import CommitFailedError

    import catena.lake.commit
    import catena.lake.lake

    def lose(*_args: object, **_kwargs: object) -> None:
        raise CommitFailedError("somebody else")

    monkeypatch.setattr(catena.lake.commit, "write_deltalake", lose)
    monkeypatch.setattr(catena.lake.lake, "_wait", lambda attempt: None)
    with pytest.raises(CommitConflict, match=r"table readings, partitions \['2013-01-01'\]: 8 attempts"):
        lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1])
    assert lake.read("readings").num_rows == 0
