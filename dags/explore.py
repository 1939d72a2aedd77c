"""Explores a month: what each table holds, how it has moved, the target by day and slice, and whether features leak.

Runs when the month's training has told, whatever came of it: then all features of the month are there, and so is the
training set whose split is judged. By hand it takes a month, or a range of days, and where needed the tables. The page
stands under Reports; the alarms are entries of the ledger. `catena explore` does the same.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import explore_params, link_dag
from catena_airflow.operators.explore_tables import ExploreTablesOperator
from catena_airflow.schedules import each_trained_month

for usecase in declared_usecases():
    with link_dag(
        usecase, "explore", schedule=each_trained_month(usecase), role="data-scientist", rhythm="monthly",
        doc=__doc__, params=explore_params(usecase),
    ):  # fmt: skip
        ExploreTablesOperator(
            task_id="explore_tables", usecase=usecase.name, outlets=[milestone(usecase, "exploration")]
        )
