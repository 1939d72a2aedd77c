"""The first operator of the link `search`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class PlanSearchOperator(LinkOperator):
    """Names the families that are to be searched before a training; none where no search is due.

    Training hears of the month in any case: it reads from the ledger whether it still has to wait.
    """

    link = "search"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.training.search import plan_search

        return plan_search(workspace, usecase, key, run)

    def execute(self, context: Context) -> list[dict[str, Any]]:  # type: ignore[override] # what tasks are mapped over
        """Run the link, tell downstream, and return the jobs, one for each family."""
        return list(super().execute(context)["details"]["jobs"])

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Record the asset event without the jobs, which are this run's own."""
        told = {"families": [job["family"] for job in outcome.details["jobs"]]}
        super().announce(context, replace(outcome, details=told))
