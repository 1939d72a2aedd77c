"""The operator that issues model cards, a task of the link `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class IssueCardsOperator(LinkOperator):
    """Issues the card of each version trained up to a month of which something has changed since its last card."""

    link = "report"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.proving.card import issue_cards

        return issue_cards(workspace, usecase, key, run)
