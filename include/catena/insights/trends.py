"""What happened in a month: volumes, outcomes, amounts; by day and by dimension; against the month before.

How good predictions were belongs in `catena.insights.performance`.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from catena.declaration import UseCase
from catena.insights.query import Query, Source
from catena.partitions import days_of_month, shift_month


def labelled_sql(usecase: UseCase, source: str) -> str:
    """Return a SELECT of a source's rows with `entity_key` and the declared label as `label_value`."""
    label = usecase.label
    # A label table whose key is called as that of predictions would make it ambiguous where both are joined.
    columns = "* EXCLUDE (entity)" if label.entity == "entity" else "*"
    return (
        f"SELECT {columns}, CAST({label.entity} AS VARCHAR) AS entity_key, CAST(({label.expression}) AS DOUBLE) "
        f"AS label_value FROM {source}"
    )


def label_source(usecase: UseCase, first: str, last: str) -> Source:
    """Return the label table over a range of days, all declared columns."""
    table = usecase.table(usecase.label.table)
    return Source(table.name, tuple(column.name for column in table.columns), first, last)


def _two_months(usecase: UseCase, month: str) -> tuple[str, str]:
    first = max(f"{shift_month(month, -1)}-01", usecase.calendar.first)
    return min(first, f"{month}-01"), days_of_month(month)[-1]


def _amounts(usecase: UseCase) -> str:
    return "".join(f", CAST({amount.sql} AS DOUBLE) AS {amount.name}" for amount in usecase.report.amounts)


def month_totals(usecase: UseCase, month: str) -> Query:
    """Return the query of the month's totals, with the change against the month before."""
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")}),
totals AS (
    SELECT partition[:7] AS month, count(*) AS entities, count(label_value) AS labelled,
           count(*) - count(label_value) AS unlabelled, avg(label_value) AS label_mean,
           count(DISTINCT partition) AS days{_amounts(usecase)}
    FROM labelled GROUP BY ALL
)
SELECT this.*, before.month AS before_month, before.entities AS before_entities, before.label_mean AS before_label_mean,
       (this.entities / this.days) / (before.entities / before.days) - 1 AS entities_a_day_change,
       this.entities / this.days AS entities_a_day, this.label_mean - before.label_mean AS label_mean_change,
       this.unlabelled / this.entities AS unlabelled_share
FROM totals AS this
LEFT JOIN totals AS before ON before.month = $before
WHERE this.month = $month"""
    first, last = _two_months(usecase, month)
    return Query(
        "month",
        "What the month came to, and the change against the month before.",
        sql,
        {"outcomes": label_source(usecase, first, last)},
        {"month": month, "before": shift_month(month, -1)},
    )


def days_of(usecase: UseCase, month: str) -> Query:
    """Return the query of each day of the month."""
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")})
SELECT partition AS day, count(*) AS entities, avg(label_value) AS label_mean
FROM labelled GROUP BY ALL ORDER BY day"""
    days = days_of_month(month)
    return Query("days", "Each day of the month.", sql, {"outcomes": label_source(usecase, days[0], days[-1])})


def extreme_days(usecase: UseCase, month: str) -> Query:
    """Return the query of the days with the highest and the lowest mean label."""
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")}),
by_day AS (
    SELECT partition AS day, count(*) AS entities, avg(label_value) AS label_mean
    FROM labelled GROUP BY ALL HAVING count(label_value) > 0
)
SELECT max_by(day, label_mean) AS highest_day, max(label_mean) AS highest,
       min_by(day, label_mean) AS lowest_day, min(label_mean) AS lowest
FROM (FROM by_day ORDER BY day)"""
    days = days_of_month(month)
    return Query(
        "extremes",
        "The day with the highest and the day with the lowest mean.",
        sql,
        {"outcomes": label_source(usecase, days[0], days[-1])},
    )


def by_dimension(usecase: UseCase, month: str, column: str) -> Query:
    """Return the query of the month by the values of one dimension, largest first."""
    first, last = _two_months(usecase, month)
    reference = next((item for item in usecase.report.names if item.column == column), None)
    sources = {
        "outcomes": label_source(usecase, first, last),
        "features": Source(usecase.features.table, ("partition", "entity", column), first, last),
    }
    name, join = "CAST(this.value AS VARCHAR)", ""
    if reference is not None:
        sources["names"] = Source(reference.table, (reference.key, reference.name))
        join = f"LEFT JOIN names ON CAST(names.{reference.key} AS VARCHAR) = this.value"
        name = f"coalesce(names.{reference.name}, this.value)"
    sql = f"""
WITH labelled AS ({labelled_sql(usecase, "outcomes")}),
joined AS (
    SELECT labelled.*, coalesce(CAST(features.{column} AS VARCHAR), '(none)') AS dimension_value
    FROM labelled
    JOIN features ON features.partition = labelled.partition AND features.entity = labelled.entity_key
),
totals AS (
    SELECT partition[:7] AS month, dimension_value AS value, count(*) AS entities, avg(label_value) AS label_mean
           {_amounts(usecase)}
    FROM joined GROUP BY ALL
)
SELECT this.*, {name} AS name, this.label_mean - before.label_mean AS label_mean_change
FROM totals AS this
LEFT JOIN totals AS before ON before.month = $before AND before.value = this.value
{join}
WHERE this.month = $month
ORDER BY this.entities DESC, this.value"""
    return Query(
        f"by_{column}", f"The month by {column}.", sql, sources, {"month": month, "before": shift_month(month, -1)}
    )
