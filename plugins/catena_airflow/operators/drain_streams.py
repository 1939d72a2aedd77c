"""The operator of the link `stream`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
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
    from catena_airflow.assets import RareHint


class DrainStreamsOperator(LinkOperator):
    """Brings the clean tables up to what waits in the streams, and tells of exactly the days that changed.

    Args:
        clean: asset that hears of the days that changed.
        supersedes: hint that events came for days whose files are there.
        batch: records of one commit.
        most: records of one log partition in one run; empty: all.
        start_at: instant at which a log is read first that was never read before; empty: at its oldest record.
    """

    template_fields: Sequence[str] = ("batch", "most", "start_at")
    link = "stream"

    def __init__(
        self,
        *,
        clean: Asset,
        supersedes: RareHint,
        batch: str = "{{ params.batch }}",
        most: str = "{{ params.most or '' }}",
        start_at: str = "{{ params.start_at or '' }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(outlets=[clean, supersedes.alias], **kwargs)
        self.clean = clean
        self.supersedes = supersedes
        self.batch = batch
        self.most = most
        self.start_at = start_at

    def key(self, usecase: UseCase) -> str:
        """Return what the log calls a run that has no partition."""
        return usecase.name

    def final_faults(self) -> tuple[type[Exception], ...]:
        """Return the faults that a person has to decide on: what was lost at the broker does not come back."""
        from catena.streams.errors import LogMisconfigured, OffsetAhead, OffsetGone, SequenceGap

        return (LogMisconfigured, OffsetAhead, OffsetGone, SequenceGap)

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.stream import drain_streams
        from catena.chain.stream_landing import Limits

        start_at = datetime.fromisoformat(self.start_at) if self.start_at else None
        limits = Limits(int(self.batch), int(self.most) if self.most else None, start_at)
        return drain_streams(workspace, usecase, run, limits)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Record an event for each day that changed, and hint at days that the reconciliation has to look at.

        Raises:
            AirflowSkipException: no day changed.
        """
        closed = outcome.details["closed"]
        if closed:
            context["outlet_events"][self.supersedes.alias].add(self.supersedes.asset, extra={"partitions": closed})
        partitions = partitions_to_announce(outcome, context["ti"].try_number)
        if not partitions and not closed:
            raise AirflowSkipException(f"{outcome.status}: {outcome.reason}")
        announce(context, {self.clean: partitions}, extra_of(outcome))
