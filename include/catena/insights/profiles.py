"""What a table holds over a period: rows and days, and each column's values, gaps and distribution.

How columns hang together, and with the label, belongs in `catena.insights.exploration`.
"""

# ruff: noqa: S608 - names come from the declaration, whose types admit only [a-z0-9_]; values are bound.

from __future__ import annotations

from catena.declaration import Column, Table
from catena.insights.query import Query, Source

BINS = 20
# Values of a category that are drawn, most frequent first.
TOP = 20
NUMBERS = ("int64", "float64")
CATEGORIES = ("string", "bool")


def profiled(table: Table) -> list[Column]:
    """Return the columns of a table that a profile speaks of: all but the key of the partition."""
    return [column for column in table.columns if column.name != "partition"]


def within(table: Table, relation: str = "held") -> str:
    """Return the relation of the period's rows, to be named in a WITH."""
    return f"{relation} AS (SELECT * FROM {table.name}{' WHERE partition >= $first' if table.is_partitioned else ''})"


def rows_of(table: Table, source: Source, first: str) -> Query:
    """Return the query of a table's rows and of the days that have any."""
    days = (
        "count(DISTINCT partition) AS days_with_rows, min(partition) AS first_day, max(partition) AS last_day"
        if table.is_partitioned
        else "NULL AS days_with_rows, NULL AS first_day, NULL AS last_day"
    )
    sql = f"WITH {within(table)}\nSELECT count(*) AS rows, {days} FROM held"
    return Query(f"rows_{table.name}", "Rows, and days that have any.", sql, {table.name: source}, {"first": first})


def columns_of(table: Table, source: Source, first: str) -> Query:
    """Return the query of each column: missing and distinct values, smallest, median, largest, most frequent."""
    parts = "\n    UNION ALL ".join(_column(number, column) for number, column in enumerate(profiled(table)))
    sql = f"WITH {within(table)}\nSELECT * EXCLUDE (place) FROM (\n    {parts}\n) ORDER BY place"
    return Query(
        f"columns_{table.name}",
        "Each column: missing and distinct values, smallest, median, largest, most frequent.",
        sql,
        {table.name: source},
        {"first": first},
    )


def _column(place: int, column: Column) -> str:
    name = f'"{column.name}"'
    numbers = ", ".join(
        f"{f'CAST({function}({name}) AS DOUBLE)' if column.type in NUMBERS else 'CAST(NULL AS DOUBLE)'} AS {alias}"
        for function, alias in (("min", "minimum"), ("median", "median"), ("max", "maximum"))
    )
    is_instant = column.type == "timestamp"
    # Instants as text: the page shows them to the minute.
    instants = ", ".join(
        f"{f'''strftime({function}({name}), '%Y-%m-%d %H:%M')''' if is_instant else 'CAST(NULL AS VARCHAR)'} AS {alias}"
        for function, alias in (("min", "earliest"), ("max", "latest"))
    )
    top = "CAST(NULL AS VARCHAR) AS commonest, CAST(NULL AS DOUBLE) AS commonest_share"
    if column.type in CATEGORIES:
        top = (
            f"(SELECT CAST({name} AS VARCHAR) FROM held WHERE {name} IS NOT NULL GROUP BY {name} "
            f"ORDER BY count(*) DESC, {name} LIMIT 1) AS commonest, "
            f"(SELECT max(n) FROM (SELECT count(*) AS n FROM held WHERE {name} IS NOT NULL GROUP BY {name})) "
            f"/ nullif(count({name}), 0) AS commonest_share"
        )
    return (
        f"SELECT {place} AS place, '{column.name}' AS name, count({name}) AS known, "
        f"1 - count({name}) / nullif(count(*), 0) AS missing_share, count(DISTINCT {name}) AS distinct_values, "
        f"{numbers}, {instants}, {top} FROM held"
    )


def distributions_of(table: Table, source: Source, first: str) -> Query:
    """Return the query of each column's distribution: numbers in equal steps, categories by frequency.

    Steps go from the 1st to the 99th percentile; the outer ones hold what lies beyond, so that one wild value does not
    press all others into one step.
    """
    parts = [_steps(column) for column in profiled(table) if column.type in NUMBERS]
    parts += [_frequencies(column) for column in profiled(table) if column.type in CATEGORIES]
    # A table of instants alone has no distributions; the query then has no rows.
    parts = parts or ["SELECT NULL AS name, NULL AS step, NULL AS rows FROM held WHERE false"]
    union = "\n    UNION ALL ".join(parts)
    sql = f"WITH {within(table)}\nSELECT * FROM (\n    {union}\n) ORDER BY name, step"
    return Query(
        f"distributions_{table.name}", "Rows in each step of a number, and of each frequent value of a category.", sql,
        {table.name: source}, {"first": first},
    )  # fmt: skip


def _steps(column: Column) -> str:
    name = f'"{column.name}"'
    ends = (
        f"SELECT CASE WHEN high > low THEN low ELSE smallest END AS low, CASE WHEN high > low THEN high ELSE largest "
        f"END AS high, least({BINS}, n) AS steps FROM (SELECT CAST(quantile_disc({name}, 0.01) AS DOUBLE) AS low, "
        f"CAST(quantile_disc({name}, 0.99) AS DOUBLE) AS high, CAST(min({name}) AS DOUBLE) AS smallest, "
        f"CAST(max({name}) AS DOUBLE) AS largest, count(DISTINCT {name}) AS n FROM held)"
    )
    step = f"CAST(floor(steps * ({name} - low) / (high - low)) AS BIGINT)"
    return (
        f"SELECT '{column.name}' AS name, greatest(0, least(steps - 1, {step})) AS step, count(*) AS rows "
        f"FROM held, ({ends}) WHERE {name} IS NOT NULL AND high > low GROUP BY ALL"
    )


def _frequencies(column: Column) -> str:
    name = f'"{column.name}"'
    return (
        f"SELECT '{column.name}' AS name, step, rows FROM (SELECT row_number() OVER (ORDER BY count(*) DESC, {name}) "
        f"- 1 AS step, count(*) AS rows FROM held WHERE {name} IS NOT NULL GROUP BY {name}) WHERE step < {TOP}"
    )
