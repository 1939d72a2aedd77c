"""Makes the features of a day from what was known at each decision.

Runs once a day's datasets are settled. A day whose earlier days are missing waits; the run that brings the missing day
makes all days that waited for it, in one pass. Runs take turns; those that come after the making find nothing to do.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import day_param, link_dag
from catena_airflow.operators.build_features import BuildFeaturesOperator
from catena_airflow.schedules import each_clean_day

for usecase in declared_usecases():
    with link_dag(
        usecase, "features", schedule=each_clean_day(usecase), role="data-scientist", rhythm="daily", doc=__doc__,
        params=day_param(), max_active_runs=3,
    ):  # fmt: skip
        BuildFeaturesOperator(task_id="build_features", usecase=usecase.name, outlets=[milestone(usecase, "features")])
