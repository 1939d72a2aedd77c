"""The operator that practises a rollback, a task of the link `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class DrillRollbackOperator(LinkOperator):
    """Practises going back from what serves after a month to what served before; nothing that serves changes."""

    link = "report"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.deploying.drill import drill_rollback

        return drill_rollback(workspace, usecase, key, run)
