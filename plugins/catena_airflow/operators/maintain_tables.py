"""The operator of the link `maintain`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class MaintainTablesOperator(LinkOperator):
    """Compacts, vacuums and checkpoints the tables of a use case; nothing downstream follows from it.

    Args:
        retention_hours: how long replaced files are kept where they may go; empty: as the settings say.
    """

    template_fields: Sequence[str] = ("retention_hours",)
    link = "maintain"

    def __init__(self, *, retention_hours: str = "{{ params.retention_hours or '' }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retention_hours = retention_hours

    def key(self, usecase: UseCase) -> str:
        """Return what the log calls a run that has no partition."""
        return usecase.name

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.upkeep import maintain_tables

        hours = int(self.retention_hours) if self.retention_hours else None
        return maintain_tables(workspace, usecase, run, hours)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Say which tables are left to the next night; no table has another content, so no asset hears of it.

        Raises:
            AirflowSkipException: every table was in order.
        """
        if outcome.status == "unchanged":
            raise AirflowSkipException(f"{outcome.status}: {outcome.reason}")
        for name in outcome.details["conflicts"]:
            conflict = outcome.details["tables"][name]["conflict"]
            self.log.warning("%s: a writer was faster, the next run goes on: %s", name, conflict)
