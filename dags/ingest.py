"""Lands each day's files, validates them and publishes the clean tables.

Runs at local midnight for the day that just ended, and by backfill for history. Datasets are landed one after another,
required ones first; the last one tells downstream once that the day is settled. A refused day fails this run, and
`announce_refused_day` still tells downstream, so that nobody waits for it. Trigger it by hand with `partition`, or with
`partition` and `last_partition` to land a range in one pass.
"""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TaskGroup, TriggerRule

from catena.declared import declared_usecases
from catena_airflow.assets import clean_tables, milestone, restatement
from catena_airflow.link_dag import daily_deadline, link_dag, range_params
from catena_airflow.operators.announce_partition import AnnouncePartitionOperator
from catena_airflow.operators.ingest_partition import IngestPartitionOperator
from catena_airflow.schedules import daily, last_run

for usecase in declared_usecases():
    with link_dag(
        usecase, "ingest", schedule=daily(usecase), role="data-engineer", rhythm="daily", doc=__doc__,
        end_date=last_run(usecase), max_active_runs=16, is_paused_upon_creation=True, params=range_params(),
        deadline=daily_deadline(),
    ):  # fmt: skip
        settled, labels = milestone(usecase, "clean"), restatement(usecase, usecase.label.table)
        datasets = sorted(usecase.partitioned_datasets, key=lambda dataset: not dataset.is_required)
        with TaskGroup("datasets", tooltip="One task for each dataset of the day"):
            tasks: list[IngestPartitionOperator] = []
            for dataset in datasets:
                is_last, restates = dataset is datasets[-1], usecase.label.table in {c.table for c in dataset.clean}
                task = IngestPartitionOperator(
                    task_id=f"ingest_{dataset.name}", usecase=usecase.name, dataset=dataset.name,
                    trigger_rule=TriggerRule.ALL_DONE,
                    outlets=[*clean_tables(usecase, dataset), *[labels.alias] * restates, *[settled] * is_last],
                    restates=labels if restates else None,
                    day_settled=settled if is_last else None,
                    settled_before=[before.task_id for before in tasks] if is_last else (),
                )  # fmt: skip
                tasks[-1:] >> task
                tasks.append(task)
        # Both cost nothing on a good day: the scheduler settles them without a worker.
        tasks >> AnnouncePartitionOperator(
            task_id="announce_refused_day", usecase=usecase.name, grain="day", outlets=[settled],
            trigger_rule=TriggerRule.ONE_FAILED,
        )  # fmt: skip
        tasks >> EmptyOperator(task_id="confirm_day", trigger_rule=TriggerRule.NONE_FAILED)
