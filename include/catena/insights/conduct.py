"""How the platform conducted itself in a month: verdicts, refused rows, decisions, alerts, drift.

What happened in the world belongs in `catena.insights.trends`.
"""

# ruff: noqa: S608 - names and expressions come from the declaration; values are bound.

from __future__ import annotations

from catena.declaration import UseCase
from catena.insights.query import LEDGER, Query, Source
from catena.partitions import days_of_month, shift_month

_LEDGER_COLUMNS = ("id", "kind", "subject", "partition", "decision", "payload")


def _ledger() -> dict[str, Source]:
    return {"ledger": Source(LEDGER, _LEDGER_COLUMNS)}


def verdicts(month: str) -> Query:
    """Return the query of the standing verdict of each dataset and day of the month, counted.

    Those on the hours of a stream are left out: they judge no delivery, and their rows are counted by the datasets.
    """
    sql = """
WITH standing AS (
    SELECT * FROM ledger WHERE kind = 'quality' AND partition[:7] = $month AND length(partition) = 10
        AND payload ->> '$.stream' IS NULL
    QUALIFY row_number() OVER (PARTITION BY subject, partition ORDER BY id DESC) = 1
)
SELECT subject AS dataset, count(*) AS days, count(*) FILTER (decision = 'PASS') AS passed,
       count(*) FILTER (decision = 'WARN') AS warned, count(*) FILTER (decision = 'FAIL') AS failed,
       count(*) FILTER (decision = 'NO_DATA') AS no_data,
       CAST(coalesce(sum(CAST(payload ->> '$.rows_in' AS BIGINT)), 0) AS BIGINT) AS rows_in,
       CAST(coalesce(sum(CAST(payload ->> '$.rows_quarantined' AS BIGINT)), 0) AS BIGINT) AS rows_quarantined
FROM standing GROUP BY subject ORDER BY subject"""
    return Query("verdicts", "The standing verdict of each dataset and day.", sql, _ledger(), {"month": month})


def refused(month: str) -> Query:
    """Return the query of the refused rows by dataset and broken rules, with one example."""
    days = days_of_month(month)
    sql = """
SELECT dataset, rules, count(*) AS refused, count(DISTINCT partition) AS days, min(partition) AS first_day,
       min_by(reason, partition || row_id) AS example
FROM quarantine GROUP BY dataset, rules ORDER BY refused DESC, dataset, rules"""
    columns = ("partition", "dataset", "row_id", "rules", "reason")
    return Query(
        "refused",
        "Rows in quarantine, by broken rules.",
        sql,
        {"quarantine": Source("quarantine", columns, days[0], days[-1])},
    )


def decisions(month: str) -> Query:
    """Return the query of what was decided to serve in the month and in the next one."""
    sql = """
SELECT partition AS month, decision, payload ->> '$.serves.model_version' AS model_version,
       payload ->> '$.serves.role' AS role, payload ->> '$.serves.trained_on' AS trained_on,
       CAST(payload -> '$.reasons' AS VARCHAR[]) AS reasons, id AS entry
FROM ledger
WHERE kind = 'promotion' AND subject = 'model' AND partition IN ($month, $after)
QUALIFY row_number() OVER (PARTITION BY partition ORDER BY id DESC) = 1
ORDER BY partition"""
    return Query(
        "decisions",
        "What was decided to serve, and why.",
        sql,
        _ledger(),
        {"month": month, "after": shift_month(month, 1)},
    )


def changes(month: str) -> Query:
    """Return the query of what changed within the month: rollbacks, promotions by hand and those off schedule."""
    sql = """
SELECT partition AS day, kind, payload ->> '$.serves.model_version' AS model_version,
       coalesce(payload ->> '$.replaces.model_version', payload ->> '$.incumbent') AS replaces,
       coalesce(payload ->> '$.actor', 'gate') AS actor,
       coalesce(payload ->> '$.reason', payload ->> '$.reasons[0]') AS reason, id AS entry
FROM ledger
WHERE kind IN ('promotion', 'rollback') AND subject = 'model' AND length(partition) = 10 AND partition[:7] = $month
QUALIFY decision IN ('PROMOTE', 'ROLLBACK') AND (payload ->> '$.actor' IS NOT NULL
  OR row_number() OVER (PARTITION BY partition, kind, payload ->> '$.actor' ORDER BY id DESC) = 1)
ORDER BY partition, id"""
    return Query("changes", "What else was changed in what serves, and why.", sql, _ledger(), {"month": month})


def beside(month: str) -> Query:
    """Return the query of the versions that were scored beside what served up to a day of the month, and their gain."""
    sql = """
SELECT subject AS model_version, payload ->> '$.kind' AS kind, payload ->> '$.champion' AS champion,
       payload ->> '$.first' AS first_day, payload ->> '$.last' AS last_day, payload ->> '$.metric' AS metric,
       CAST(payload ->> '$.share' AS DOUBLE) AS share, CAST(payload ->> '$.gain.estimate' AS DOUBLE) AS gain,
       CAST(payload ->> '$.gain.low' AS DOUBLE) AS low, CAST(payload ->> '$.gain.high' AS DOUBLE) AS high,
       CAST(payload ->> '$.gain.rows' AS BIGINT) AS rows, CAST(payload ->> '$.gain.days' AS BIGINT) AS days,
       decision, id AS entry
FROM ledger
WHERE kind = 'shadow' AND partition[:7] = $month
QUALIFY row_number() OVER (PARTITION BY subject, partition ORDER BY id DESC) = 1
ORDER BY last_day, entry"""
    return Query("beside", "What was scored beside what served, unpublished.", sql, _ledger(), {"month": month})


def candidate(month: str) -> Query:
    """Return the query of what was trained on the data up to the month."""
    metrics = ", ".join(
        f"CAST(payload ->> '$.metrics.{who}.{name}' AS DOUBLE) AS {who}_{name}"
        for who in ("candidate", "baseline")
        for name in ("roc_auc", "brier", "log_loss", "mae", "rmse")
    )
    sql = f"""
SELECT decision, payload ->> '$.model_version' AS model_version, payload ->> '$.reason' AS reason,
       payload ->> '$.holdout.first' AS holdout_first, payload ->> '$.holdout.last' AS holdout_last,
       CAST(payload ->> '$.holdout.rows' AS BIGINT) AS holdout_rows,
       CAST(payload ->> '$.dataset.train_rows' AS BIGINT) AS trained_rows, id AS entry, {metrics}
FROM ledger WHERE kind = 'candidate' AND subject = 'model' AND partition = $month
QUALIFY row_number() OVER (ORDER BY id DESC) = 1"""
    return Query(
        "candidate", "What was trained on the data up to the end of the month.", sql, _ledger(), {"month": month}
    )


def _health(month: str) -> dict[str, Source]:
    days = days_of_month(month)
    columns = ("partition", "measure", "window_days", "dimension", "value_of", "value", "rows", "is_alert")
    return {"health": Source("health", columns, days[0], days[-1])}


def alerts(month: str) -> Query:
    """Return the query of the alerts of the month, by measure."""
    sql = """
SELECT measure, value_of, window_days, count(*) AS days, min(partition) AS first_day, max(partition) AS last_day,
       min(value) AS lowest, max(value) AS highest
FROM health WHERE is_alert GROUP BY measure, value_of, window_days ORDER BY days DESC, measure, value_of, window_days"""
    return Query("alerts", "Measures beyond their declared limits.", sql, _health(month))


def soundness(month: str) -> Query:
    """Return the query of whether what served was sound: skew against training, scores that are none, missing inputs.

    `score_jump` has the largest value alone: a mean of jumps says nothing.
    """
    sql = """
SELECT measure, count(value) AS days, count(*) FILTER (value > 0) AS days_above, avg(value) AS mean,
       max(value) AS highest
FROM health
WHERE dimension = '' AND window_days = 1
  AND measure IN ('skew_share', 'unsound_score_share', 'missing_input_share', 'score_jump')
GROUP BY measure HAVING count(value) > 0 ORDER BY measure"""
    return Query("soundness", "Whether what served was sound, day by day.", sql, _health(month))


def alarms(month: str) -> Query:
    """Return the query of the alarms that stood on a day of the month, and of the trainings that they asked for."""
    sql = """
WITH standing AS (
    SELECT * FROM ledger WHERE kind = 'alarm' AND partition[:7] = $month
    QUALIFY row_number() OVER (PARTITION BY subject, partition ORDER BY id DESC) = 1
)
SELECT partition AS day, subject, decision, payload ->> '$.since' AS since,
       CAST(payload ->> '$.days' AS BIGINT) AS days, payload ->> '$.reason' AS reason, id AS entry
FROM standing ORDER BY partition, id"""
    return Query("alarms", "Alarms raised, confirmed and cleared, and the trainings they asked for.", sql, _ledger(),
                 {"month": month})  # fmt: skip


def drift(month: str, top: int = 6) -> Query:
    """Return the query of the features that have moved most by the last measured day of the month."""
    sql = f"""
SELECT value_of AS feature, value AS psi, rows, partition AS day
FROM health
WHERE measure = 'psi' AND dimension = 'feature' AND value IS NOT NULL
  AND partition = (SELECT max(partition) FROM health WHERE measure = 'psi' AND dimension = 'feature')
ORDER BY psi DESC, feature LIMIT {int(top)}"""
    return Query("drift", "Features that have moved most against the training window.", sql, _health(month))


def trailing(usecase: UseCase, month: str) -> Query:
    """Return the query of the main metric over the trailing window, day by day."""
    metric = "roc_auc" if usecase.model.kind == "binary" else "mae"
    sql = f"""
SELECT partition AS day, value, rows FROM health
WHERE measure = '{metric}' AND dimension = '' AND window_days = {usecase.monitoring.trailing_days} AND value IS NOT NULL
ORDER BY day"""
    return Query("trailing", "The main metric over the trailing window, day by day.", sql, _health(month))
