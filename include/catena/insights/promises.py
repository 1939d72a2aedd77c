"""What the scores promised and what they proved to be: asked by week, by age of the model and by slice.

What is computed of each part belongs in `catena.insights.fulfilment`.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from catena.declaration import UseCase
from catena.insights.query import LEDGER, Query, Source
from catena.insights.trends import label_source, labelled_sql
from catena.partitions import days_of_month, shift_month

_ROWS = """
current AS (
    SELECT partition, entity, score, model_version FROM predictions
    QUALIFY revision = max(revision) OVER (PARTITION BY partition)
),
labelled AS ({labelled}),
judged AS (
    SELECT current.partition, current.entity, score, model_version, label_value
    FROM current
    LEFT JOIN labelled ON labelled.partition = current.partition AND labelled.entity_key = current.entity
)"""
# A version is as old as the last day that it was trained on is gone; a month stands for its last day.
_TRAINED = """
trained AS (
    SELECT payload ->> '$.serves.model_version' AS model_version,
           any_value(payload ->> '$.serves.trained_on') AS trained_on
    FROM ledger WHERE kind IN ('promotion', 'rollback') AND subject = 'model' GROUP BY 1
),
dated AS (
    SELECT model_version, CASE WHEN length(trained_on) = 7 THEN last_day(CAST(trained_on || '-01' AS DATE))
                               ELSE CAST(trained_on AS DATE) END AS trained_until
    FROM trained WHERE trained_on IS NOT NULL
)"""


def by_week(usecase: UseCase, month: str) -> Query:
    """Return the query of promised and realised metrics of the weeks of a month and the one before."""
    week = "strftime(date_trunc('week', CAST(partition AS DATE)), '%Y-%m-%d')"
    sql = f"""
WITH {_judged(usecase)}
SELECT {week} AS part, partition, score, label_value FROM judged ORDER BY part, partition, entity"""
    return _query("by_week", "Promised and realised by week, Monday to Sunday.", sql, usecase,
                  (shift_month(month, -1), month))  # fmt: skip


def by_age(usecase: UseCase, month: str) -> Query:
    """Return the query of promised and realised metrics by the age of the model, in weeks since its last training day.

    It speaks of the month and the one before, since a month alone holds few ages of one version.
    """
    sql = f"""
WITH {_judged(usecase)}, {_TRAINED.strip()}
SELECT lpad(CAST(1 + (date_diff('day', trained_until, CAST(partition AS DATE)) - 1) // 7 AS VARCHAR), 2, '0') AS part,
       partition, score, label_value
FROM judged JOIN dated USING (model_version)
WHERE date_diff('day', trained_until, CAST(partition AS DATE)) > 0 ORDER BY part, partition, entity"""
    found = _query("by_age", "Promised and realised by the age of the model, in weeks.", sql, usecase,
                   (shift_month(month, -1), month))  # fmt: skip
    ledger = Source(LEDGER, ("id", "kind", "subject", "partition", "decision", "payload"))
    return Query(found.name, found.purpose, found.sql, {**found.sources, "ledger": ledger}, found.values,
                 found.statistic)  # fmt: skip


def by_slice(usecase: UseCase, month: str, column: str) -> Query:
    """Return the query of promised and realised metrics of a month by the values of one slice."""
    sql = f"""
WITH {_judged(usecase)}
SELECT coalesce(CAST(features.{column} AS VARCHAR), '(none)') AS part, judged.partition, score, label_value
FROM judged JOIN features ON features.partition = judged.partition AND features.entity = judged.entity
ORDER BY part, judged.partition, judged.entity"""
    found = _query(f"slice_{column}", f"Promised and realised by {column}.", sql, usecase, (month, month))
    days = days_of_month(month)
    features = Source(usecase.features.table, ("partition", "entity", column), days[0], days[-1])
    return Query(found.name, found.purpose, found.sql, {**found.sources, "features": features}, found.values,
                 found.statistic)  # fmt: skip


def _judged(usecase: UseCase) -> str:
    return _ROWS.format(labelled=labelled_sql(usecase, "outcomes")).strip()


def _query(name: str, purpose: str, sql: str, usecase: UseCase, months: tuple[str, str]) -> Query:
    first, last = days_of_month(months[0])[0], days_of_month(months[1])[-1]
    sources = {
        "outcomes": label_source(usecase, first, last),
        "predictions": Source(
            "predictions", ("partition", "entity", "revision", "score", "model_version"), first, last
        ),
    }
    return Query(name, purpose, sql, sources, {"kind": usecase.model.kind}, "fulfilment")
