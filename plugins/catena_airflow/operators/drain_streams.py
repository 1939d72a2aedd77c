"""The operator of the link `stream`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class DrainStreamsOperator(LinkOperator):
    """Brings the clean tables up to what waits in the streams, and tells of exactly the days that changed.

    Args:
        batch: records of one commit.
        most: records of one log partition in one run; empty: all.
        start_at: instant at which a log is read first that was never read before; empty: at its oldest record.
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
        super().__init__(**kwargs)
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
