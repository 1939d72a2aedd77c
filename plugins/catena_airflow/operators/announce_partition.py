"""Tells downstream of a partition whose task failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from catena.declared import declared_usecase
from catena.partitions import days
from catena_airflow.partition_run import FROM_RUN, LAST_FROM_RUN, Grain, announce, resolve_partition

if TYPE_CHECKING:
    from airflow.sdk import Context


class AnnouncePartitionOperator(BaseOperator):
    """Records the asset events of a partition that will not come, because a failed task can record none.

    Without them days that wait for a refused day, or the decision that follows a failed training, would wait for ever.
    What is to be done about the partition is read downstream from lake and ledger.

    Args:
        usecase: name of the use case.
        grain: whether partitions are days, months, or either.
        partition: key of the partition.
        last_partition: last day of a range that begins with `partition`.
    """

    template_fields: Sequence[str] = ("partition", "last_partition")

    def __init__(
        self,
        *,
        usecase: str,
        grain: Grain,
        partition: str = FROM_RUN,
        last_partition: str = LAST_FROM_RUN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.usecase = usecase
        self.grain = grain
        self.partition = partition
        self.last_partition = last_partition

    def execute(self, context: Context) -> dict[str, Any]:
        """Record the events."""
        calendar = declared_usecase(self.usecase).calendar
        key = resolve_partition(self.partition, self.grain, calendar)
        keys = (
            [key]
            if self.grain != "day"
            else days(key, resolve_partition(self.last_partition or key, self.grain, calendar))
        )
        assets = [outlet for outlet in self.outlets if isinstance(outlet, Asset)]
        announce(context, dict.fromkeys(assets, keys), {"status": "failed", "reason": "a task of this run failed"})
        return {"partitions": keys}
