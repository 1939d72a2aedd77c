"""The watcher of streams: hints that events wait at the broker, and never carries them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from catena.chain.streaming.lag import Lag


class StreamLagTrigger(BaseEventTrigger):
    """Fires once when what waits in a use case's streams exceeds a number or an age; again after somebody drained it.

    It holds no state beyond that: each look opens the logs and the tables, compares, and closes them. A hint that gets
    lost costs a minute, for the stream DAG also runs by the clock.

    Args:
        usecase: name of the use case.
        records: that many waiting records are worth a hint.
        age_s: so are older ones, seconds since the broker stored them.
        poll_s: pause between two looks, seconds.
    """

    def __init__(self, usecase: str, records: int = 1000, age_s: float = 1.0, poll_s: float = 1.5) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.usecase = usecase
        self.records = records
        self.age_s = age_s
        self.poll_s = poll_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs in order to make this trigger again."""
        arguments = {"usecase": self.usecase, "records": self.records, "age_s": self.age_s, "poll_s": self.poll_s}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look again and again; a broker that does not answer is looked at more slowly."""
        from catena.streams.errors import StreamError

        told: tuple[int, ...] | None = None
        pause = self.poll_s
        while True:
            try:
                lags = await asyncio.to_thread(self._look)
            except StreamError as error:
                self.log.warning("%s: the streams cannot be looked at: %s", self.usecase, error)
                pause = min(pause * 2, 60.0)
            else:
                pause = self.poll_s
                positions = tuple(lag.next_offset or 0 for lag in lags)
                if positions != told and self._is_due(lags):
                    told = positions
                    waiting = sum(lag.records for lag in lags)
                    yield TriggerEvent({"usecase": self.usecase, "waiting": waiting})  # type: ignore[no-untyped-call]
            await asyncio.sleep(pause)

    def _is_due(self, lags: list[Lag]) -> bool:
        waiting = sum(lag.records for lag in lags)
        # What has an unknown age may be old: a hint too many costs one run.
        ages = [lag.age_s for lag in lags if lag.records]
        return waiting >= self.records or any(age is None or age >= self.age_s for age in ages)

    def _look(self) -> list[Lag]:
        from catena.chain.streaming.lag import lags_of
        from catena.declared import declared_usecase
        from catena.workspace import Workspace

        return lags_of(Workspace(), declared_usecase(self.usecase))
