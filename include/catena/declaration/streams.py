"""Streams and the events in them. How an event is written and read belongs in `catena.streams`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from catena.declaration.rules import Volume
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


class Feed(Declared):
    """How the events of a stream become rows of a dataset, which then meet its rules and become its clean tables."""

    dataset: Name
    sql: str
    """File in the use case's `sql/` folder: one SELECT over the relation `events`, which holds the newest version of
    each event of some days (`partition`, `event_id`, `type`, `schema_version`, `event_time`, `known_at`, `key` and the
    JSON `data`). It gives `partition` and the dataset's columns, in any order, and the columns that `ready` names."""
    ready: dict[Name, Name] = Field(default_factory=dict)
    """Clean table -> boolean column of the SELECT that says whether a row has what the table needs; without one all
    rows belong there."""
    whole: Name | None = None
    """Boolean column of the SELECT that says whether all has been told of a row; the SQL of clean tables reads it as
    `is_whole`, which is true for every row of a file. Without one all has been told of every row."""


class HourlyVolume(Volume):
    """The records that became known in an hour lie within these multiples of the mean of that hour on other days.

    A night hour is compared with night hours, those of the trailing days that have any records. A tenfold
    hour weighs in the mean as long as it is one of them. It can only warn: when an hour is over, its records are in
    the tables, and nothing is left to refuse.
    """

    severity: Literal["warn"] = "warn"
    least_expected: float = Field(default=20, gt=0)
    """Hours of which fewer records are expected are not judged: chance alone moves them too far."""


class Stream(Declared):
    """One log at the broker: the events in it, how long the broker keeps them, and what becomes of them."""

    name: Name
    description: str
    events: tuple[EventType, ...]
    feeds: tuple[Feed, ...] = ()
    """Without one the records are kept, and go nowhere."""
    day: Name = "partition"
    """The field of an event's `data` that names the day to which it belongs."""
    allowed_lateness_hours: float = Field(default=6, gt=0)
    """An event that became known longer than this before the newest one of its log partition is late: it is kept, and
    enters the clean tables by the reconciliation."""
    ahead_minutes: float = Field(default=15, ge=0)
    """How far an event's `known_at` may lie after the moment at which the broker stored it: nothing is told before it
    can be known, but clocks differ, and a producer may state a bound. An event beyond it is a dead letter
    (`from_the_future`): its time is no truth, and would make every event after it late. One within it counts, and
    moves the stream's watermark no further than to the moment of its storage."""
    lag_limit_minutes: float = Field(default=15, gt=0)
    """An event that waits longer than this for its table is an alarm."""
    hours: tuple[HourlyVolume, ...] = ()
    """What each full hour must meet, by the clock of the events."""
    partitions: int = Field(default=1, ge=1)
    """Events of one key lie in one partition; the number may grow and never shrinks."""
    retention_days: int = Field(default=7, ge=1)
    """How long the broker keeps an event; a reader that was away longer meets a gap, loudly."""

    @property
    def table(self) -> str:
        """Name of the table that keeps the log's records as they came."""
        return f"events_{self.name}"

    @model_validator(mode="after")
    def _events_differ(self) -> Stream:
        keys = [(event.name, event.version) for event in self.events]
        if not keys or len(keys) != len(set(keys)):
            raise ValueError(f"stream {self.name}: declares no event, or one twice, in {keys}")
        return self
