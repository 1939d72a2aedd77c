"""An event as code handles it. How it is written belongs in `catena.streams.codec`, what it means in the use case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        type: declared name, as `flight.departed`.
        schema_version: version of the type that `data` has.
        event_id: the same for every copy of this event, whatever road it takes.
        event_time: when it happened (UTC).
        known_at: when it could be known (UTC); a decision before this instant must not see it.
        key: the entity that it concerns; events of one key stay in order.
        data: the facts, as JSON values.
    """

    type: str
    schema_version: int
    event_id: str
    event_time: datetime
    known_at: datetime
    key: str
    data: dict[str, Any]
