"""The one way in which a table on disk changes its schema: its declaration has gained nullable columns."""

from __future__ import annotations

import pyarrow as pa
from deltalake import write_deltalake

from catena.lake.lake import Lake, UndeclaredChange
from catena.lake.schema import arrow_schema


def add_columns(lake: Lake, name: str) -> list[str]:
    """Add to the table on disk the columns that its declaration has gained; return their names.

    Raises:
        UndeclaredChange: a column was dropped, changed its type, or a new one is not nullable.
    """
    table = lake.tables[name]
    delta = lake.open(name)
    declared, actual = arrow_schema(table), pa.schema(delta.schema().to_arrow())
    new = [field for field in declared if field.name not in actual.names]
    if bad := [field.name for field in new if not field.nullable]:
        raise UndeclaredChange(f"table {name}: new columns {bad} must be nullable, old rows do not have them")
    if new:
        # An empty append in merge mode adds the columns in one commit and rewrites nothing.
        write_deltalake(delta, declared.empty_table(), mode="append", schema_mode="merge")
    lake.check_schema(table, lake.open(name))
    return [field.name for field in new]
