"""A question to the lake as it can be asked again: SQL, bound values, and the tables with their partition ranges.

Which questions a report asks belongs in the sibling modules; where tables come from belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

LEDGER = "ledger"


@dataclass(frozen=True)
class Source:
    """A table that a query reads: the partitions from `first` to `last`, or all of it where they are None."""

    table: str
    columns: tuple[str, ...]
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class Query:
    """One question.

    Attributes:
        name: how the report refers to it.
        purpose: what it answers, in a sentence.
        sources: the tables by the name that the SQL uses.
        values: what is bound to `$name` in the SQL.
    """

    name: str
    purpose: str
    sql: str
    sources: Mapping[str, Source]
    values: Mapping[str, str] = field(default_factory=dict)


def ask(query: Query, tables: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """Return the answer's rows.

    Args:
        tables: an Arrow table for each source, by the name that the SQL uses.
    """
    # One thread: sums of floats depend on their order, and an answer must come out the same again.
    connection = duckdb.connect(config={"threads": 1})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for name, rows in tables.items():
            connection.register(name, rows)
        bound = {name: value for name, value in query.values.items() if f"${name}" in query.sql}
        answer: list[dict[str, Any]] = connection.sql(query.sql, params=bound).to_arrow_table().to_pylist()
        return answer
    finally:
        connection.close()
