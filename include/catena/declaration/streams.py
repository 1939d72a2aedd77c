"""Streams and the events in them. How an event is written and read belongs in `catena.streams`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from catena.declaration.tables import Declared, Name

EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=60)]


class EventType(Declared):
    """One version of a type of event, as `flight.departed`.

    A version never changes once it was published: a new shape is a new version beside it, so that what lies in the log
    stays readable.
    """

    name: EventName
    version: int = Field(ge=1)
    description: str

    @property
    def schema_file(self) -> str:
        """Name of the JSON Schema of the whole event, in the use case's folder `events/`."""
        return f"{self.name}.v{self.version}.json"


class Stream(Declared):
    """One log at the broker: the events in it, and how long the broker keeps them."""

    name: Name
    description: str
    events: tuple[EventType, ...]
    partitions: int = Field(default=1, ge=1)
    """Events of one key lie in one partition; the number may grow and never shrinks."""
    retention_days: int = Field(default=7, ge=1)
    """How long the broker keeps an event; a reader that was away longer meets a gap, loudly."""

    @model_validator(mode="after")
    def _events_differ(self) -> Stream:
        keys = [(event.name, event.version) for event in self.events]
        if not keys or len(keys) != len(set(keys)):
            raise ValueError(f"stream {self.name}: declares no event, or one twice, in {keys}")
        return self
