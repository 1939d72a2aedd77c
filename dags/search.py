"""Looks for a better recipe before a training, where the use case's declaration says that it is due.

Runs once all days of a month have features. Most months no search is due: then the plan tells training at once, and
the rest is skipped. Where one is due, each family of models is searched by a task of its own on walk-forward folds of
the past; the best is adopted only if it is shown to be better than the recipe in force on days that no trial has seen.
Training waits for the conclusion. A search that fails for good is recorded as FAILED, and the recipe in force stays.
`catena search` does the same by hand.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TriggerRule

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import TRAINING_POOL, link_dag, month_param
from catena_airflow.operators.conclude_search import ConcludeSearchOperator, FailSearchOperator
from catena_airflow.operators.plan_search import PlanSearchOperator
from catena_airflow.operators.search_family import SearchFamilyOperator
from catena_airflow.schedules import each_month_of_features

for usecase in declared_usecases():
    with link_dag(
        usecase, "search", schedule=each_month_of_features(usecase), role="data-scientist", rhythm="monthly",
        doc=__doc__, params=month_param(),
    ):  # fmt: skip
        search = milestone(usecase, "search")
        plan = PlanSearchOperator(task_id="plan_search", usecase=usecase.name, outlets=[search])
        families = SearchFamilyOperator.partial(
            task_id="search_family", usecase=usecase.name, pool=TRAINING_POOL, execution_timeout=timedelta(hours=1),
            map_index_template="{{ task.job['family'] }}",
        ).expand(job=plan.output)  # fmt: skip
        conclude = ConcludeSearchOperator(
            task_id="conclude_search", usecase=usecase.name, found=families.output, outlets=[search],
            pool=TRAINING_POOL, execution_timeout=timedelta(hours=2),
        )  # fmt: skip
        fail = FailSearchOperator(
            task_id="record_failed_search", usecase=usecase.name, outlets=[search], trigger_rule=TriggerRule.ONE_FAILED
        )
        confirm = EmptyOperator(task_id="confirm_search", trigger_rule=TriggerRule.NONE_FAILED)
        [plan, families, conclude] >> fail
        [plan, families, conclude] >> confirm
