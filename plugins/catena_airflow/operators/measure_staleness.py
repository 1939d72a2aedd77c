"""The operator that measures how models age, a task of the link `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class MeasureStalenessOperator(LinkOperator):
    """Scores every older version on a month, once all its days are there."""

    link = "report"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.proving.staleness import measure_staleness

        return measure_staleness(workspace, usecase, key, run)
