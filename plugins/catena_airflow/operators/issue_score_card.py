"""The operator that computes the ML Test Score, a task of the link `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class IssueScoreCardOperator(LinkOperator):
    """Computes the 28 tests from what is on record, once a month's report is issued."""

    link = "report"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.score_card.card import issue_score_card

        return issue_score_card(workspace, usecase, key, run)
