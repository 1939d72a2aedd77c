"""Measures each day: what the scores promise, performance where labels are known, drift, volumes, data quality.

Runs for the month of days that were scored, or whose labels were corrected, and measures the days of it that changed.
Where the use case declares a guard, a model that fails it on the measured days is taken out of service then; where it
declares canaries, one that is shown to be worse is taken back. Declared alarms that stand for long enough are
confirmed, people are told, and a training is asked for.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import day_or_month_param, link_dag
from catena_airflow.operators.check_guard import CheckGuardOperator
from catena_airflow.operators.monitor_partition import MonitorPartitionOperator
from catena_airflow.operators.raise_alarms import RaiseAlarmsOperator
from catena_airflow.schedules import each_scored_or_restated_day

for usecase in declared_usecases():
    with link_dag(
        usecase, "monitor", schedule=each_scored_or_restated_day(usecase), role="mlops-engineer", rhythm="daily",
        doc=__doc__, params=day_or_month_param(),
    ):  # fmt: skip
        measured = MonitorPartitionOperator(
            task_id="monitor_partition", usecase=usecase.name, health=milestone(usecase, "health"),
            watched=milestone(usecase, "watched"),
        )  # fmt: skip
        if usecase.monitoring.guard is not None or usecase.serving.canary_days:
            measured >> CheckGuardOperator(
                task_id="check_guard", usecase=usecase.name, champion=milestone(usecase, "champion"),
                candidate=milestone(usecase, "candidate"),
            )  # fmt: skip
        if usecase.monitoring.retraining is not None:
            measured >> RaiseAlarmsOperator(
                task_id="raise_alarms", usecase=usecase.name, retraining=milestone(usecase, "retraining")
            )
