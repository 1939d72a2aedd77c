"""Decides what serves after a training, from the next month or off schedule from the next day: challenger or champion.

The decision goes to the ledger in any case; what is not shown to be good enough does not serve. Where the environment
asks for approval, what the gate would promote waits for a person's answer, under Required Actions or by `catena
approvals`; later months wait for it. Refusal and silence mean that what serves goes on serving.
"""

from __future__ import annotations

from airflow.sdk import TriggerRule

from catena.declared import declared_usecases
from catena_airflow.assets import milestone, promotion_due
from catena_airflow.link_dag import link_dag, training_param
from catena_airflow.operators.approve_promotion import ApprovePromotionOperator
from catena_airflow.operators.conclude_promotion import ConcludePromotionOperator
from catena_airflow.operators.judge_candidate import JudgeCandidateOperator
from catena_airflow.schedules import each_candidate

for usecase in declared_usecases():
    with link_dag(
        usecase, "promote", schedule=each_candidate(usecase), role="mlops-engineer", rhythm="monthly", doc=__doc__,
        params=training_param(),
    ):  # fmt: skip
        judge = JudgeCandidateOperator(task_id="judge_candidate", usecase=usecase.name, approval="approve_promotion")
        approve = ApprovePromotionOperator(task_id="approve_promotion", usecase=usecase.name)
        conclude = ConcludePromotionOperator(
            task_id="conclude_promotion", usecase=usecase.name, champion=milestone(usecase, "champion"),
            decision=milestone(usecase, "decision"), due=promotion_due(usecase),
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        )  # fmt: skip
        judge >> [approve, conclude]
        approve >> conclude
