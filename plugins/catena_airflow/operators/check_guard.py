"""The operator that takes a failing model out of service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import announce, extra_of, partitions_to_announce

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class CheckGuardOperator(LinkOperator):
    """Rolls back what serves where the measured days say that it fails its declared guard; usually it skips.

    Args:
        champion: asset that hears of the months in which something else serves now.
        candidate: asset that hears of the training month from which on decisions may be overtaken.
    """

    link = "monitor"
    grain = "day or month"

    def __init__(self, *, champion: Asset, candidate: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[champion, candidate], **kwargs)
        self.champion = champion
        self.candidate = candidate

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.watching.guard import check_guard

        return check_guard(workspace, usecase, run)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Tell scoring the months in which something else serves, and promotion from where on to look again.

        Raises:
            AirflowSkipException: what serves goes on serving.
        """
        months = partitions_to_announce(outcome, context["ti"].try_number)
        if not months:
            raise AirflowSkipException(f"{outcome.status}: {outcome.reason}")
        decided = outcome.details["rollback"]["decided"]
        announce(context, {self.champion: months, self.candidate: [decided]}, extra_of(outcome))
