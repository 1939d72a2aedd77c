"""Decides what serves after a training, from the next month or off schedule from the next day: challenger or champion.

The decision goes to the ledger in any case; what is not shown to be good enough does not serve.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import link_dag, training_param
from catena_airflow.operators.promote_candidate import PromoteCandidateOperator
from catena_airflow.schedules import each_candidate

for usecase in declared_usecases():
    with link_dag(
        usecase, "promote", schedule=each_candidate(usecase), role="mlops-engineer", rhythm="monthly", doc=__doc__,
        params=training_param(),
    ):  # fmt: skip
        PromoteCandidateOperator(
            task_id="promote_candidate", usecase=usecase.name, champion=milestone(usecase, "champion"),
            decision=milestone(usecase, "decision"),
        )  # fmt: skip
