"""A question to the lake as it can be asked again: SQL, bound values, and the tables with their partition ranges.

Which questions a report asks belongs in the sibling modules; where tables come from belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from catena.arrow_sql import sql_over
from catena.insights.statistics import STATISTICS
from catena.modeling.threads import fixed_threads

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
        values: what is bound to `$name` in the SQL, and what the statistic is told.
        statistic: name of what is computed from the rows that the SQL gives; None: those rows are the answer.
    """

    name: str
    purpose: str
    sql: str
    sources: Mapping[str, Source]
    values: Mapping[str, str] = field(default_factory=dict)
    statistic: str | None = None


def ask(query: Query, tables: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """Return the answer's rows.

    Args:
        tables: an Arrow table for each source, by the name that the SQL uses.
    """
    bound = {name: value for name, value in query.values.items() if f"${name}" in query.sql}
    with sql_over(tables) as connection:
        rows = connection.sql(query.sql, params=bound).to_arrow_table()
    if query.statistic is None:
        answer: list[dict[str, Any]] = rows.to_pylist()
        return answer
    # As in SQL: sums of floats depend on their order, and an answer must come out the same again.
    with fixed_threads():
        return STATISTICS[query.statistic](rows, query.values)
