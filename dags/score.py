"""Scores each day with what serves on that day, and publishes the predictions for applications.

New features, and the decision on what serves in a month, start a run for their month, which scores the days that have
features and no score by what serves. Whichever comes second does the work, the other one skips.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import day_or_month_param, link_dag
from catena_airflow.operators.score_partition import ScorePartitionOperator
from catena_airflow.schedules import each_day_or_champion

for usecase in declared_usecases():
    with link_dag(
        usecase, "score", schedule=each_day_or_champion(usecase), role="ml-engineer", rhythm="daily", doc=__doc__,
        params=day_or_month_param(),
    ):  # fmt: skip
        ScorePartitionOperator(
            task_id="score_partition", usecase=usecase.name, outlets=[milestone(usecase, "predictions")]
        )
