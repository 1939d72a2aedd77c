"""The operator that judges candidates, the first task of the link `promote`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import SkipMixin
from airflow.sdk.exceptions import AirflowSkipException

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import partitions_to_announce

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class JudgeCandidateOperator(LinkOperator, SkipMixin):
    """Judges the candidates whose turn it is, and decides at once where nobody need be asked.

    It has no outlets: what was decided here is told by the task that concludes, together with what people decided.

    Args:
        approval: task that asks a person; skipped where no question waits.
    """

    inherits_from_skipmixin = True
    link = "promote"
    grain = "day or month"

    def __init__(self, *, approval: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.approval = approval

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.deciding.promote import promote_candidate

        return promote_candidate(workspace, usecase, key, run)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Let the tasks after this one run: the approval where a question waits, the conclusion in any case.

        Raises:
            AirflowSkipException: nothing was decided, and nothing waits.
        """
        waits_for = outcome.details.get("waits_for")
        if waits_for is None and not partitions_to_announce(outcome, context["ti"].try_number):
            raise AirflowSkipException(f"{outcome.status}: {outcome.reason}")
        if waits_for is None:
            self.skip(context["ti"], [self.dag.get_task(self.approval)])
