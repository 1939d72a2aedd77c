"""Trains a candidate once a month is whole and the search that may be due is concluded; or off schedule, for a day.

One training at a time (pool `training`); what it made is then built a second time, and both are compared bit for bit,
while the first one is judged already. A training that fails for good still tells `promote`, which then keeps what
serves.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import TriggerRule

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import TRAINING_POOL, link_dag, training_param
from catena_airflow.operators.announce_partition import AnnouncePartitionOperator
from catena_airflow.operators.replay_training import ReplayTrainingOperator
from catena_airflow.operators.train_candidate import TrainCandidateOperator
from catena_airflow.schedules import each_searched_month

for usecase in declared_usecases():
    with link_dag(
        usecase, "train", schedule=each_searched_month(usecase), role="data-scientist", rhythm="monthly",
        doc=__doc__, params=training_param(),
    ):  # fmt: skip
        candidate = milestone(usecase, "candidate")
        train = TrainCandidateOperator(
            task_id="train_candidate", usecase=usecase.name, outlets=[candidate], pool=TRAINING_POOL,
            execution_timeout=timedelta(hours=2),
        )  # fmt: skip
        train >> AnnouncePartitionOperator(
            task_id="announce_failed_training", usecase=usecase.name, grain="day or month", outlets=[candidate],
            trigger_rule=TriggerRule.ONE_FAILED,
        )  # fmt: skip
        train >> ReplayTrainingOperator(
            task_id="replay_training", usecase=usecase.name, pool=TRAINING_POOL, execution_timeout=timedelta(hours=2)
        )
        train >> EmptyOperator(task_id="confirm_training", trigger_rule=TriggerRule.NONE_FAILED)
