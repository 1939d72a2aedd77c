"""The operator of the link `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class IssueReportOperator(LinkOperator):
    """Issues the report of a month once everything that it speaks of is there."""

    link = "report"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.watching.report import issue_report

        return issue_report(workspace, usecase, key, run)
