"""What the SQL of a feature view may say: one SELECT, over the declared relations only, with no clock and no chance.

What the relations hold belongs in `catena.features.relations`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

# A feature is a function of its inputs: the clock, chance and the session are none.
UNREPEATABLE = frozenset(
    {
        "current_date", "current_setting", "current_time", "current_timestamp", "currval", "gen_random_uuid",
        "get_current_time", "get_current_timestamp", "getenv", "getvariable", "localtime", "localtimestamp", "nextval",
        "now", "random", "setseed", "today", "transaction_timestamp", "uuid", "uuidv4", "uuidv7", "version",
    }
)  # fmt: skip
TABLE_FUNCTIONS = frozenset({"generate_series", "range", "unnest"})


class RefusedSql(ValueError):
    """The SQL of a feature view reads or calls what a feature view may not."""


def check_sql(connection: duckdb.DuckDBPyConnection, sql: str, relations: Collection[str], name: str) -> None:
    """Refuse SQL that is not one SELECT over the given relations.

    Args:
        connection: any connection; only its parser is used.
        sql: text of the view.
        relations: relations that the view's declaration gives it.
        name: how to call the SQL in the error.

    Raises:
        RefusedSql: naming what is refused, and what is allowed.
    """
    tree = _parsed(connection, sql, name)
    nodes = list(_nodes(tree))
    named = {entry["key"] for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    for node in nodes:
        kind = node.get("type")
        if kind == "BASE_TABLE":
            qualified = ".".join(filter(None, (node["catalog_name"], node["schema_name"], node["table_name"])))
            if qualified not in {*relations, *named}:
                raise RefusedSql(f"{name} reads {qualified!r}; its inputs give it {sorted(relations)}")
        elif kind == "TABLE_FUNCTION" and (called := node["function"]["function_name"]) not in TABLE_FUNCTIONS:
            raise RefusedSql(f"{name} calls the table function {called!r}; allowed are {sorted(TABLE_FUNCTIONS)}")
        elif kind == "FUNCTION" and node["function_name"] in UNREPEATABLE:
            raise RefusedSql(f"{name} calls {node['function_name']!r}: features depend on nothing but their inputs")
        elif kind == "COLUMN_REF" and len(node["column_names"]) == 1 and node["column_names"][0] in UNREPEATABLE:
            raise RefusedSql(f"{name} uses {node['column_names'][0]!r}: features depend on nothing but their inputs")


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> dict[str, Any]:
    """Return DuckDB's syntax tree of the one SELECT."""
    text = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchall()[0][0]
    tree: dict[str, Any] = json.loads(text)
    if tree["error"]:
        raise RefusedSql(f"{name} is no SELECT that DuckDB can read: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise RefusedSql(f"{name} holds {len(tree['statements'])} statements; a feature view is one SELECT")
    return tree


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
