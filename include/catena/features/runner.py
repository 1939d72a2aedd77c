"""Runs a feature view: declared SQL over point-in-time relations, for one or many day partitions in one pass.

Which rows are needed and where the features go belongs in `catena.chain.featuring.features`; what the SQL sees, in
`catena.features.relations`.
"""

# ruff: noqa: S608 - names come from the declaration, whose types admit only [a-z0-9_].

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from catena.arrow_sql import open_database
from catena.declaration import FeatureView, Table
from catena.features.guard import check_sql
from catena.features.relations import Relations, check_view, relation_names
from catena.lake import arrow_schema

KEYS = ("partition", "entity", "decision_at", "known_at")
SQL_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN", "timestamp": "TIMESTAMPTZ"}


class WrongGrain(ValueError):
    """The view does not give exactly one row for each decision."""


class WrongColumns(ValueError):
    """The view does not give the declared columns."""


def compute_features(
    view: FeatureView,
    *,
    sql: str,
    tables: Mapping[str, Table],
    rows: Mapping[str, pa.Table],
    partitions: Sequence[str],
    threads: int = 1,
) -> pa.Table:
    """Return the features of all decisions of some partitions.

    A partition's features are the same whether it is run alone or with others.

    Args:
        view: the declaration.
        sql: its SELECT, which gives `entity` and each feature column by name.
        tables: declarations of the lake tables by name, that of the feature table included.
        rows: rows of each input table and of the spine; more partitions than needed do no harm.
        partitions: day partitions to decide on.
        threads: DuckDB's threads; one, because many tasks run side by side.

    Raises:
        FutureExposed: the declaration or a spine row reaches beyond the decision.
        RefusedSql: the SQL reads or calls what it may not.
        WrongColumns: a declared column is not selected, or a selected one not declared.
        WrongGrain: an entity has no row, several, or is not of the spine.
    """
    check_view(view, tables)
    with _session(threads) as connection:
        check_sql(connection, sql, relation_names(view), view.sql)
        Relations(connection, view, tables, rows).create(partitions)
        connection.execute(f"CREATE TEMP TABLE result__ AS {sql}")
        declared = _declared(tables[view.table], connection.table("result__").columns, view.sql)
        _check_grain(connection, view.sql)
        result = connection.sql(
            f"SELECT s.partition, s.entity, s.decision_at, s.decision_at AS known_at{declared} "
            "FROM spine AS s JOIN result__ AS f ON f.entity = s.entity ORDER BY s.partition, s.entity"
        ).to_arrow_table()
    return result.select(arrow_schema(tables[view.table]).names)


def _session(threads: int) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that reaches no file, network, extension or Python variable."""
    connection = open_database(
        enable_external_access="false",
        autoload_known_extensions="false",
        autoinstall_known_extensions="false",
        python_enable_replacements="false",
        threads=threads,
        memory_limit="2GB",
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


def _declared(table: Table, selected: Sequence[str], name: str) -> str:
    """Return the select list that casts the features to their declared types."""
    features = [column for column in table.columns if column.name not in KEYS]
    names = {column.name for column in features}
    given = set(selected) - set(KEYS)
    if missing := sorted(names - given):
        raise WrongColumns(f"{name} does not select {missing}, which table {table.name} declares")
    if extra := sorted(given - names):
        raise WrongColumns(f"{name} selects {extra}, which table {table.name} does not declare")
    if "entity" not in selected:
        raise WrongColumns(f"{name} must select 'entity', the key of the decision")
    return "".join(f', CAST(f."{c.name}" AS {SQL_TYPES[c.type]}) AS "{c.name}"' for c in features)


def _check_grain(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    bad = connection.execute(
        "SELECT entity, d.n, f.n FROM (SELECT entity, count(*) AS n FROM spine GROUP BY entity) AS d "
        "FULL JOIN (SELECT entity, count(*) AS n FROM result__ GROUP BY entity) AS f USING (entity) "
        "WHERE d.n IS DISTINCT FROM 1 OR f.n IS DISTINCT FROM 1 ORDER BY entity LIMIT 1"
    ).fetchall()
    if bad:
        entity, decisions, given = bad[0]
        raise WrongGrain(
            f"{name}: {entity} has {decisions or 0} rows in the spine and {given or 0} in the features; "
            "each decision needs exactly one"
        )
