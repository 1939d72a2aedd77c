"""Declared columns as Arrow types, and rows brought into declared form."""

from __future__ import annotations

from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from catena.declaration import Column, Table

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


class SchemaMismatch(ValueError):
    """Rows do not have the declared columns, types or nullability."""


def arrow_field(column: Column) -> pa.Field:
    """Return the Arrow field of a declared column, with its meaning as metadata."""
    metadata = {"description": column.description, "classification": column.classification}
    return pa.field(column.name, ARROW_TYPES[column.type], column.nullable, metadata)


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a declared table, columns in declared order."""
    return pa.schema([arrow_field(column) for column in table.columns])


def conform(rows: pa.Table, table: Table) -> pa.Table:
    """Return the rows with exactly the declared columns, order and types.

    Raises:
        SchemaMismatch: a column is missing or undeclared, does not cast, or holds null against the declaration.
    """
    schema = arrow_schema(table)
    if missing := [name for name in schema.names if name not in rows.column_names]:
        raise SchemaMismatch(f"table {table.name}: columns {missing} are declared but not in the rows")
    if extra := [name for name in rows.column_names if name not in schema.names]:
        raise SchemaMismatch(f"table {table.name}: columns {extra} are in the rows but not declared")
    arrays = []
    for field in schema:
        try:
            column = rows[field.name].cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise SchemaMismatch(f"table {table.name}, column {field.name}: {error}") from error
        if not field.nullable and column.null_count:
            raise SchemaMismatch(f"table {table.name}, column {field.name}: {column.null_count} nulls not allowed")
        arrays.append(column)
    return pa.table(arrays, schema=schema)


def sorted_by_key(rows: pa.Table, table: Table, first: str | None = None) -> pa.Table:
    """Return the rows in the order of the primary key, by the column `first` before all."""
    names = list(dict.fromkeys([*([first] if first else []), *table.primary_key]))
    return rows.sort_by([(name, "ascending") for name in names]) if rows.num_rows else rows


def check_primary_key(rows: pa.Table, table: Table) -> None:
    """Refuse rows of one partition that share a primary key: they would have no order, and their content no identity.

    Args:
        rows: ordered by the primary key, and before that by partition where the table has them.
        table: the declaration.

    Raises:
        SchemaMismatch: with one of the repeated keys.
    """
    names = list(dict.fromkeys([*(["partition"] if table.is_partitioned else []), *table.primary_key]))
    keys = rows.select(names).combine_chunks()
    before, after = keys.slice(0, max(len(keys) - 1, 0)), keys.slice(1)
    is_same = reduce(pc.and_, [_equal(before[name], after[name]) for name in names])
    if repeated := after.filter(is_same).select(list(table.primary_key)).to_pylist():
        distinct = len({tuple(row.values()) for row in repeated})
        raise SchemaMismatch(f"table {table.name}: {distinct} primary keys have several rows, such as {repeated[0]}")


def _equal(left: pa.ChunkedArray, right: pa.ChunkedArray) -> pa.ChunkedArray:
    both_null = pc.and_(left.is_null(), right.is_null())
    return pc.or_(both_null, pc.fill_null(pc.equal(left, right), False))


def schema_differences(table: Table, actual: pa.Schema) -> list[str]:
    """Return in words where the columns on disk differ from the declared ones; empty where they agree."""
    declared = arrow_schema(table)

    def type_in(schema: pa.Schema, name: str) -> str:
        # Delta hands text out as `large_string` or `string_view`.
        return str(schema.field(name).type).replace("large_", "").replace("_view", "") if name in schema.names else "no"

    return [
        f"{name}: {type_in(actual, name)} on disk, {type_in(declared, name)} declared"
        for name in sorted({*actual.names, *declared.names})
        if type_in(actual, name) != type_in(declared, name)
    ]
