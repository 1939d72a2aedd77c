"""The operator of the link `reconcile`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import resolve_partition

if TYPE_CHECKING:
    from catena.workspace import Workspace


class ReconcileDaysOperator(LinkOperator):
    """Compares what streams told with the files, for one day or for all that were not compared since they changed."""

    link = "reconcile"

    def key(self, usecase: UseCase) -> str:
        """Return the day of a run that names one; nothing stands for all that are due."""
        return resolve_partition(self.partition, "day", usecase.calendar) if self.partition else ""

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.streaming.reconcile import days_to_reconcile, reconcile_days

        days: Sequence[str] = [key] if key else days_to_reconcile(workspace, usecase)
        return reconcile_days(workspace, usecase, days, run)
