"""Issues the month's report for managers: what happened, how good the predictions were, what was decided and why.

Runs when the month is decided, when all its days have been measured, and when a measured day was corrected; the last of
these that is needed issues the report. Beside it, model versions get their cards as soon as they are decided on, all
older versions are scored on a month that is there, which tells how models age, and going back to the version before is
practised. The ML Test Score comes last, since it reads what these recorded.
"""

from __future__ import annotations

from airflow.sdk import TriggerRule

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import link_dag, month_param
from catena_airflow.operators.drill_rollback import DrillRollbackOperator
from catena_airflow.operators.issue_cards import IssueCardsOperator
from catena_airflow.operators.issue_report import IssueReportOperator
from catena_airflow.operators.issue_score_card import IssueScoreCardOperator
from catena_airflow.operators.measure_staleness import MeasureStalenessOperator
from catena_airflow.schedules import each_decided_or_watched_month

for usecase in declared_usecases():
    with link_dag(
        usecase, "report", schedule=each_decided_or_watched_month(usecase), role="report-writer", rhythm="monthly",
        doc=__doc__, params=month_param(),
    ):  # fmt: skip
        issued = IssueReportOperator(
            task_id="issue_report", usecase=usecase.name, outlets=[milestone(usecase, "report")]
        )  # fmt: skip
        recorded = [
            IssueCardsOperator(task_id="issue_cards", usecase=usecase.name),
            MeasureStalenessOperator(task_id="measure_staleness", usecase=usecase.name),
            DrillRollbackOperator(task_id="drill_rollback", usecase=usecase.name),
        ]
        [issued, *recorded] >> IssueScoreCardOperator(
            task_id="issue_score_card", usecase=usecase.name, trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
        )
