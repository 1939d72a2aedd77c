"""How good the month's predictions proved to be, beside the declared baseline on the same rows.

The baseline is the one of `catena.modeling.baseline` (a group's mean, drawn towards the mean of all), fitted on the
serving model's training window by the query itself: both scores are judged on one set of rows, and the query is all the
evidence that is needed.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from catena.declaration import UseCase
from catena.insights.query import Query, Source
from catena.insights.trends import label_source, labelled_sql
from catena.modeling.baseline import baseline_for
from catena.partitions import days_of_month, last_day_of, shift_day, start_of

_CURRENT = """
current AS (
    SELECT partition, entity, score, model_version, model_role FROM predictions
    QUALIFY revision = max(revision) OVER (PARTITION BY partition)
)"""
_AUC = """(sum({rank}) FILTER (label_value = 1) - n1 * (n1 + 1) / 2) / nullif(n1 * n0, 0)"""
_LOG_LOSS = "-avg(ln(CASE WHEN label_value = 1 THEN greatest({s}, 1e-15) ELSE greatest(1 - {s}, 1e-15) END))"


def _predictions(usecase: UseCase, month: str) -> dict[str, Source]:
    days = days_of_month(month)
    return {
        "outcomes": label_source(usecase, days[0], days[-1]),
        "predictions": Source(
            "predictions",
            ("partition", "entity", "revision", "score", "model_version", "model_role"),
            days[0],
            days[-1],
        ),
    }


def coverage(usecase: UseCase, month: str) -> Query:
    """Return the query of how many entities were scored, by which model."""
    sql = f"""
WITH {_CURRENT.strip()}, labelled AS ({labelled_sql(usecase, "outcomes")})
SELECT model_version, model_role, count(*) AS scored, count(label_value) AS labelled,
       min(current.partition) AS first_day, max(current.partition) AS last_day, avg(score) AS score_mean
FROM current
LEFT JOIN labelled ON labelled.partition = current.partition AND labelled.entity_key = current.entity
GROUP BY ALL ORDER BY first_day, model_version"""
    return Query("coverage", "How many were scored, by which model version.", sql, _predictions(usecase, month))


def served(usecase: UseCase, month: str, trained_on: str) -> Query:
    """Return the query of the realised metrics of what served and of the baseline, on the same rows."""
    by = usecase.model.baseline_by
    features, days = usecase.features.table, days_of_month(month)
    keys = ", ".join(f"features.{name}" for name in by)
    match = " AND ".join(f"grouped.{name} IS NOT DISTINCT FROM features.{name}" for name in by)
    training_last = last_day_of(trained_on)
    columns = ("partition", "entity", *by)
    sources = _predictions(usecase, month) | {
        "features": Source(features, columns, days[0], days[-1]),
        "features_trained": Source(features, columns, usecase.calendar.first, training_last),
        "outcomes_trained": label_source(usecase, usecase.calendar.first, training_last),
    }
    metrics = _binary_metrics() if usecase.model.kind == "binary" else _regression_metrics()
    sql = f"""
WITH {_CURRENT.strip()},
labelled AS ({labelled_sql(usecase, "outcomes")}),
labelled_trained AS ({labelled_sql(usecase, "outcomes_trained")}),
trained AS (
    SELECT {keys}, label_value FROM labelled_trained
    JOIN features_trained AS features
      ON features.partition = labelled_trained.partition AND features.entity = labelled_trained.entity_key
    WHERE label_value IS NOT NULL AND labelled_trained.{usecase.label.known_at} < CAST($decided_at AS TIMESTAMPTZ)
),
overall AS (SELECT avg(label_value) AS mean FROM trained),
grouped AS (
    SELECT {", ".join(by)}, (sum(label_value) + CAST($prior_rows AS DOUBLE) * overall.mean)
           / (count(*) + CAST($prior_rows AS DOUBLE)) AS mean
    FROM trained, overall GROUP BY {", ".join(by)}, overall.mean
),
judged AS (
    SELECT label_value, score, coalesce(grouped.mean, overall.mean) AS baseline
    FROM overall, current
    JOIN labelled ON labelled.partition = current.partition AND labelled.entity_key = current.entity
    JOIN features ON features.partition = current.partition AND features.entity = current.entity
    LEFT JOIN grouped ON {match}
    WHERE label_value IS NOT NULL
)
{metrics}"""
    purpose = "Realised metrics of what served, and of the baseline fitted on the same training window, on equal rows."
    return Query(
        "served",
        purpose,
        sql,
        sources,
        {
            "decided_at": start_of(shift_day(training_last, 1)).isoformat(),
            "prior_rows": str(baseline_for(usecase.model).prior_rows),
        },
    )


def _binary_metrics() -> str:
    rank = "rank() OVER (ORDER BY {s}) + (count(*) OVER (PARTITION BY {s}) - 1) / 2"
    return f""", ranked AS (
    SELECT *, {rank.format(s="score")} AS score_rank, {rank.format(s="baseline")} AS baseline_rank,
           sum(label_value) OVER () AS n1, count(*) OVER () - sum(label_value) OVER () AS n0
    FROM judged
),
metrics AS (
    SELECT count(*) AS labelled, avg(label_value) AS label_mean, avg(score) AS score_mean,
           {_AUC.format(rank="score_rank")} AS model_roc_auc, {_AUC.format(rank="baseline_rank")} AS baseline_roc_auc,
           avg((score - label_value) ** 2) AS model_brier, avg((baseline - label_value) ** 2) AS baseline_brier,
           {_LOG_LOSS.format(s="score")} AS model_log_loss, {_LOG_LOSS.format(s="baseline")} AS baseline_log_loss
    FROM ranked GROUP BY n1, n0
)
SELECT *, 100 * model_roc_auc AS model_pairs, 100 * baseline_roc_auc AS baseline_pairs,
       model_roc_auc - baseline_roc_auc AS roc_auc_gain, 1 - model_brier / baseline_brier AS brier_gain,
       1 - model_log_loss / baseline_log_loss AS log_loss_gain, score_mean - label_mean AS bias
FROM metrics"""


def _regression_metrics() -> str:
    return """, metrics AS (
    SELECT count(*) AS labelled, avg(label_value) AS label_mean, avg(score) AS score_mean,
           avg(abs(score - label_value)) AS model_mae, avg(abs(baseline - label_value)) AS baseline_mae,
           sqrt(avg((score - label_value) ** 2)) AS model_rmse,
           sqrt(avg((baseline - label_value) ** 2)) AS baseline_rmse
    FROM judged
)
SELECT *, 1 - model_mae / baseline_mae AS mae_gain, 1 - model_rmse / baseline_rmse AS rmse_gain,
       score_mean - label_mean AS bias
FROM metrics WHERE labelled > 0"""


def reliability(usecase: UseCase, month: str) -> Query:
    """Return the query of predicted against realised means, in tenths of the rows by score."""
    sql = f"""
WITH {_CURRENT.strip()},
labelled AS ({labelled_sql(usecase, "outcomes")}),
binned AS (
    SELECT score, label_value, ntile(10) OVER (ORDER BY score, current.partition, entity) AS tenth
    FROM current
    JOIN labelled ON labelled.partition = current.partition AND labelled.entity_key = current.entity
    WHERE label_value IS NOT NULL
)
SELECT tenth, count(*) AS labelled, avg(score) AS score_mean, avg(label_value) AS label_mean
FROM binned GROUP BY tenth ORDER BY tenth"""
    return Query(
        "reliability",
        "Predicted against realised, in tenths of the rows from lowest to highest prediction.",
        sql,
        _predictions(usecase, month),
    )
