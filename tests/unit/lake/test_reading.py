from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from catena.declaration import Column
from catena.lake import Lake, SchemaMismatch, UndeclaredChange, add_columns, arrow_schema, conform

D1, D2 = "2013-01-01", "2013-01-02"


def test_reading_before_the_first_write_gives_declared_columns_and_no_rows(lake):
    """A link may read what nobody wrote yet; it sees no rows in the declared shape."""
    assert lake.read("readings").schema.names == ["partition", "station", "value", "landed_at"]
    assert lake.read("readings", [D1], columns=["value"]).schema.names == ["value"]
    assert (lake.version("readings"), lake.history("readings"), lake.partitions("readings")) == (None, [], [])
    assert lake.contents("readings", [D1]) == {D1: None}


def test_rows_come_in_the_order_of_the_key(lake, rows, run):
    """Reading is deterministic: by primary key, whatever the order of writing, also when the key is not asked for."""
    lake.overwrite("readings", rows(D2, b=4.0, a=3.0), run=run, partitions=[D2])
    lake.overwrite("readings", rows(D1, b=2.0, a=1.0), run=run, partitions=[D1])
    assert lake.read("readings", columns=["value"])["value"].to_pylist() == [1.0, 2.0, 3.0, 4.0]
    assert lake.read("readings", [D2], columns=["value"])["value"].to_pylist() == [3.0, 4.0]
    assert lake.read("readings", []).num_rows == 0


def test_time_travel_by_version_and_by_timestamp(lake, rows, run):
    """What stood there at a version, or at an instant, can be read again after it was corrected."""
    first = lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1]).version
    between = datetime.fromisoformat(lake.history("readings")[0]["catena.committed_at"]) + timedelta(milliseconds=300)
    while datetime.now(UTC) < between + timedelta(milliseconds=100):
        pass
    lake.overwrite("readings", rows(D1, a=2.0), run=run, partitions=[D1])
    assert lake.read("readings", version=first)["value"].to_pylist() == [1.0]
    assert lake.read("readings", at=between)["value"].to_pylist() == [1.0]
    assert lake.read("readings", at=between - timedelta(days=1)).num_rows == 0
    assert lake.read("readings")["value"].to_pylist() == [2.0]


def test_a_later_column_is_null_in_the_past(lake, rows, run, readings):
    """A declared new column is added without a rewrite; old rows and old versions have null there."""
    old = lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1]).version
    unit = Column(name="unit", type="string", description="Unit of the value.")
    later = readings.model_copy(update={"columns": (*readings.columns, unit)})
    wider = Lake(lake.root, (later,))
    with pytest.raises(UndeclaredChange, match="unit: no on disk, string declared"):
        wider.overwrite("readings", arrow_schema(later).empty_table(), run=run, partitions=[D2])
    assert add_columns(wider, "readings") == ["unit"]
    assert add_columns(wider, "readings") == []
    full = wider.read("readings", [D1]).append_column("ignored", pa.nulls(1)).drop_columns("ignored")
    assert full.to_pylist()[0] | {"landed_at": None} == {
        "partition": D1,
        "station": "a",
        "value": 1.0,
        "landed_at": None,
        "unit": None,
    }
    assert wider.read("readings", version=old)["unit"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "value", "type": "string"}, "value: double on disk, string declared"),
        ({"name": "extra", "type": "int64", "nullable": False}, "extra: no on disk, int64 declared"),
    ],
)
def test_a_schema_changes_only_as_declared(lake, rows, run, readings, change, message):
    """A changed type, or a new column that old rows cannot have, is refused with its name."""
    lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1])
    kept = tuple(column for column in readings.columns if column.name != change["name"])
    other = readings.model_copy(update={"columns": (*kept, Column(description="New.", **change))})
    changed = Lake(lake.root, (other,))
    with pytest.raises(UndeclaredChange, match=message):
        changed.overwrite("readings", arrow_schema(other).empty_table(), run=run, partitions=[D2])
    with pytest.raises(UndeclaredChange):
        add_columns(changed, "readings")


def test_conform_orders_and_casts(readings):
    """Columns come in declared order and type, whatever order and width they came in."""
    given = pa.table(
        {"value": pa.array([1], pa.int32()), "station": ["a"], "landed_at": pa.nulls(1), "partition": [D1]}
    )
    assert conform(given, readings).schema.equals(arrow_schema(readings))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("value", pa.array(["much"]), "column value: Failed to parse string: 'much'"),
        ("station", pa.nulls(1, pa.string()), "column station: 1 nulls not allowed"),
    ],
)
def test_conform_names_the_column_that_does_not_fit(readings, column, values, message):
    """Values that do not fit the declaration stop the write, by name."""
    good = {"partition": pa.array([D1]), "station": pa.array(["a"]), "value": pa.array([1.0]), "landed_at": pa.nulls(1)}
    with pytest.raises(SchemaMismatch, match=message):
        conform(pa.table(good | {column: values}), readings)


def test_conform_refuses_missing_and_undeclared_columns(readings):
    """Neither a missing nor an extra column goes by unnoticed."""
    with pytest.raises(SchemaMismatch, match=r"\['landed_at'\] are declared but not in the rows"):
        conform(pa.table({"partition": [D1], "station": ["a"], "value": [1.0]}), readings)
    with pytest.raises(SchemaMismatch, match=r"\['more'\] are in the rows but not declared"):
        conform(
            pa.table({"partition": [D1], "station": ["a"], "value": [1.0], "landed_at": pa.nulls(1), "more": [1]}),
            readings,
        )


def test_declared_meaning_is_kept_with_the_table(lake, rows, run):
    """Description and classification of columns, and the table's description, can be read from the table itself."""
    from deltalake import DeltaTable

    lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1])
    delta = DeltaTable(lake.uri("readings"))
    fields = {field.name: field.metadata for field in delta.schema().fields}
    assert delta.metadata().description == "What the stations measured."
    assert fields["station"] == {"description": "Station.", "classification": "internal"}


def test_old_versions_are_not_cleaned_away(lake, rows, run):
    """Delta's default would drop the log after 30 days, and with it the evidence of old numbers."""
    from deltalake import DeltaTable

    lake.overwrite("readings", rows(D1, a=1.0), run=run, partitions=[D1])
    configuration = DeltaTable(lake.uri("readings")).metadata().configuration
    assert configuration["delta.logRetentionDuration"] == "interval 36500 days"
    assert configuration["delta.deletedFileRetentionDuration"] == "interval 36500 days"
