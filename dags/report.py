"""Issues the month's report for managers: what happened, how good the predictions were, what was decided and why.

Runs when the month is decided, when all its days have been measured, and when a measured day was corrected; the last of
these that is needed issues the report, and the ML Test Score after it. Beside it, model versions get their cards as
soon as they are decided on, and once a month is there all older versions are scored on it, which tells how models age.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import link_dag, month_param
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
        issued >> IssueScoreCardOperator(task_id="issue_score_card", usecase=usecase.name)
        IssueCardsOperator(task_id="issue_cards", usecase=usecase.name)
        MeasureStalenessOperator(task_id="measure_staleness", usecase=usecase.name)
