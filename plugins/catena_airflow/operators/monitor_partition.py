"""The operator of the link `monitor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class MonitorPartitionOperator(LinkOperator):
    """Measures a day: performance where labels are known, drift, volumes, data quality."""

    link = "monitor"
    grain = "day"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.monitor import monitor_day
        from catena.chain.readiness import until_settled

        return until_settled(lambda: monitor_day(workspace, usecase, key, run))
