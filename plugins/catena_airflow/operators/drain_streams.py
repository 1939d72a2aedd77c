"""The operator of the link `stream`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import run_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


def note_heard(context: Context) -> None:
    """Record what downstream was told; called when the scheduler has taken the run's events, and not before."""
    from catena.chain.streaming.news import record_heard
    from catena.workspace import Workspace

    operator: Any = context["task"]
    if operator.heard:
        run = run_of(context, operator.usecase, operator.link)
        record_heard(Workspace(), declared_usecase(operator.usecase), run, operator.heard)


class DrainStreamsOperator(LinkOperator):
    """Brings the clean tables up to what waits in the streams, and tells of exactly the days that changed.

    Args:
        batch: records of one commit.
        most: records of one log partition in one run; empty: all.
        start_at: instant, with its zone, at which a log is read first that was never read before; empty: at its oldest
            record.
    """

    template_fields: Sequence[str] = ("batch", "most", "start_at")
    link = "stream"

    def __init__(
        self,
        *,
        batch: str = "{{ params.batch }}",
        most: str = "{{ params.most or '' }}",
        start_at: str = "{{ params.start_at or '' }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(on_success_callback=note_heard, **kwargs)
        self.batch = batch
        self.most = most
        self.start_at = start_at
        self.heard: dict[str, dict[str, int]] = {}

    def key(self, usecase: UseCase) -> str:
        """Return what the log calls a run that has no partition."""
        return usecase.name

    def final_faults(self) -> tuple[type[Exception], ...]:
        """Return the faults that a person has to decide on: what was lost at the broker does not come back."""
        from catena.chain.streaming.landing import NoZone
        from catena.streams.errors import LogMisconfigured, OffsetAhead, OffsetGone, SequenceGap

        return (LogMisconfigured, NoZone, OffsetAhead, OffsetGone, SequenceGap)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Record the asset events of an outcome, and keep what they tell until the scheduler has them."""
        super().announce(context, outcome)
        self.heard = outcome.details.get("heard", {})

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.streaming.landing import Limits
        from catena.chain.streaming.stream import drain_streams

        start_at = datetime.fromisoformat(self.start_at) if self.start_at else None
        limits = Limits(int(self.batch), int(self.most) if self.most else None, start_at)
        return drain_streams(workspace, usecase, run, limits)
