"""Compares what the streams told of a day with the day's file, which is the authority, and records the differences.

Runs at night, half an hour after the day's files are due, for all days whose events or files changed since they were
compared. Events that came too late for the clean tables enter them here, as long as the day has no file. Whoever waits
for final days (training, monitoring) hears of them. Trigger it by hand with `partition` for one day, without it for all
that are due.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone, restatement
from catena_airflow.link_dag import day_param, link_dag
from catena_airflow.operators.reconcile_days import ReconcileDaysOperator
from catena_airflow.schedules import nightly

for usecase in declared_usecases():
    if not usecase.streams:
        continue
    with link_dag(
        usecase, "reconcile", schedule=nightly(usecase), role="data-engineer", rhythm="daily",
        doc=__doc__, params=day_param(),
    ):  # fmt: skip
        ReconcileDaysOperator(
            task_id="reconcile_days", usecase=usecase.name,
            outlets=[milestone(usecase, "clean"), milestone(usecase, "features"),
                     restatement(usecase, usecase.label.table).asset],
        )  # fmt: skip
