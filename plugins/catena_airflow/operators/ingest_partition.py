"""The operator of the link `ingest`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowSkipException

from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.partitions import days
from catena.run import Outcome, Run
from catena_airflow.connections import connections_of
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import (
    LAST_FROM_RUN,
    announce,
    extra_of,
    partitions_to_announce,
    resolve_partition,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace
    from catena_airflow.assets import RareHint


class IngestPartitionOperator(LinkOperator):
    """Lands, validates and publishes a dataset's day, or a range of days in one pass.

    Args:
        dataset: name of the dataset.
        restates: hint that labels were corrected; given where the dataset becomes the table of labels.
        day_settled: asset that hears once that the day's datasets are settled; given to the last dataset's task.
        settled_before: task ids of the other datasets, whose outcomes the last task announces together with its own.
        last_partition: last day of a range that begins with `partition`.
    """

    template_fields: Sequence[str] = ("partition", "last_partition")
    link = "ingest"

    def __init__(
        self,
        *,
        dataset: str,
        restates: RareHint | None = None,
        day_settled: Asset | None = None,
        settled_before: Sequence[str] = (),
        last_partition: str = LAST_FROM_RUN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.restates = restates
        self.day_settled = day_settled
        self.settled_before = settled_before
        self.last_partition = last_partition

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function for all days of the run."""
        from catena.chain.ingesting.ingest import ingest_dataset

        last = resolve_partition(self.last_partition or key, "day", usecase.calendar)
        connections = connections_of([usecase.dataset(self.dataset)])
        return ingest_dataset(workspace, usecase, self.dataset, days(key, last), run, connections=connections)

    def final_faults(self) -> tuple[type[Exception], ...]:
        """Return the fault of a delivery that broke its contract: the same file breaks it again."""
        from catena.chain.ingesting.ingest import DeliveryRefused

        return (DeliveryRefused,)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Record the dataset's events and, in the last task, that of the settled days.

        Raises:
            AirflowSkipException: neither this dataset nor one before it changed.
        """
        own = partitions_to_announce(outcome, context["ti"].try_number)
        others = self._outcomes_before(context) if self.day_settled else []
        changed = sorted({*own, *(day for other in others for day in other["partitions"])})
        if not changed:
            raise AirflowSkipException(f"{outcome.status}: {outcome.reason}")
        extra = {"dataset": self.dataset, **extra_of(outcome)}
        announce(context, {asset: own for asset in self.assets() if asset != self.day_settled}, extra)
        if self.day_settled:
            verdicts = [{"status": other["status"], "reason": other["reason"]} for other in others]
            announce(context, {self.day_settled: changed}, {**extra, "besides": verdicts})
        self._hint_at_restatement(context, outcome)

    def _hint_at_restatement(self, context: Context, outcome: Outcome) -> None:
        """Tell who used a partition that it has another content now; an alias carries the key of its run alone."""
        if self.restates is None:
            return
        restated = outcome.details.get("restated", {}).get(declared_usecase(self.usecase).label.table, ())
        # A retry cannot know whether the try before it died between the commit and this hint.
        if restated or context["ti"].try_number > 1:
            context["outlet_events"][self.restates.alias].add(self.restates.asset, extra={"partitions": list(restated)})

    def _outcomes_before(self, context: Context) -> list[dict[str, Any]]:
        """Return the outcomes of the other datasets' tasks; a task that skipped or failed left none."""
        if not self.settled_before:
            return []
        found = context["ti"].xcom_pull(task_ids=list(self.settled_before))
        return [outcome for outcome in found if outcome]
