"""The operator of the link `monitor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from catena.declaration import UseCase
from catena.partitions import month_of
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class MonitorPartitionOperator(LinkOperator):
    """Measures the days of a month, or one day: performance where labels are known, drift, volumes, data quality.

    Args:
        health: asset that hears of the days that were measured.
        watched: asset that hears of their months.
    """

    link = "monitor"
    grain = "day or month"

    def __init__(self, *, health: Asset, watched: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[health, watched], **kwargs)
        self.health = health
        self.watched = watched

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.readiness import until_settled
        from catena.chain.watching.monitor import monitor_partition

        return until_settled(lambda: monitor_partition(workspace, usecase, key, run))

    def emissions(self, partitions: Sequence[str]) -> dict[Asset, Sequence[str]]:
        """Return the days for health, their months for what is watched."""
        return {self.health: partitions, self.watched: sorted({month_of(day) for day in partitions})}
