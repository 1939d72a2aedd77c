"""Replays history into event logs, at a chosen speed and with chosen faults.

Each fault of an event follows from the seed and the event's own id: two replays are alike, in whatever order and range.
An event is never sent before it was known. What became known when belongs in the use case.
"""

from __future__ import annotations

import heapq
import importlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

from catena.declaration import UseCase
from catena.settings import Settings
from catena.streams.codec import Codec
from catena.streams.connect import open_codec, open_log
from catena.streams.event import Event
from catena.streams.port import EventLog, Message

Kind = Literal["event", "late", "duplicate", "corrupt"]
# An event that is shuffled comes after others of this time, by the clock of the events.
SHUFFLE = timedelta(hours=1)
DUPLICATE_AFTER = timedelta(minutes=30)
LATE_BY = (timedelta(hours=2), timedelta(hours=48))
BATCH = 1_000
# How often what is due is sent, in seconds of the wall clock.
_TICK = 0.05


@dataclass(frozen=True)
class Faults:
    """What goes wrong on the way, as shares of all events.

    Attributes:
        shuffle: whether events overtake each other.
        duplicate: sent a second time, as by a producer that did not see its acknowledgement.
        late: sent hours after they were known.
        corrupt: a damaged copy precedes the true one, which follows as from a producer that was repaired: so the log
            still holds every event.
        seed: another seed chooses other events.
    """

    shuffle: bool = False
    duplicate: float = 0.0
    late: float = 0.0
    corrupt: float = 0.0
    seed: int = 2013

    def __post_init__(self) -> None:
        for name in ("duplicate", "late", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share between 0 and 1, not {getattr(self, name)}")


@dataclass(frozen=True)
class Delivery:
    """One message on its way: when it is sent, by the clock of the events."""

    at: datetime
    stream: str
    event_type: str
    kind: Kind
    message: Message


@dataclass
class Progress:
    """How far a replay is.

    Attributes:
        sent: messages by kind.
        by_type: messages by type of event.
        known_already: messages whose id the broker had stored before, and of which it kept no copy.
        at: clock of the events.
    """

    sent: Counter[Kind] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    known_already: int = 0
    at: datetime | None = None


class NoHistory(ValueError):
    """A use case declares no streams, or no history to tell in them."""


def replay_history(
    settings: Settings,
    usecase: UseCase,
    days: tuple[str, str],
    *,
    speed: float,
    faults: Faults,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Publish what a use case's history tells of a range of days, both included, into its streams.

    Raises:
        NoHistory: the use case declares none.
        StreamError: a broker, or the schema registry, does not answer or refuses.
    """
    if usecase.history is None or not usecase.streams:
        raise NoHistory(f"{usecase.name} declares no streams with a history that could be replayed")
    module, _, function = usecase.history.partition(":")
    events = getattr(importlib.import_module(module), function)(*days)
    codecs = {stream.name: open_codec(settings, usecase, stream) for stream in usecase.streams}
    stream_of = {event.name: stream.name for stream in usecase.streams for event in stream.events}
    with ExitStack() as opened:
        logs = {
            stream.name: opened.enter_context(closing(open_log(settings, usecase.name, stream)))
            for stream in usecase.streams
        }
        return replay(deliveries(events, codecs, stream_of, faults), logs, speed, watch)


def deliveries(
    events: Iterable[Event], codecs: Mapping[str, Codec], stream_of: Mapping[str, str], faults: Faults
) -> Iterator[Delivery]:
    """Yield what is sent, in the order in which it is sent.

    Args:
        events: in the order in which they became known.
        codecs: by name of the stream.
        stream_of: name of the stream of each type of event.
        faults: what goes wrong.
    """
    waiting: list[tuple[datetime, str, int, Delivery]] = []
    for event in events:
        # Nothing is sent before it is known: what is due until now is complete.
        while waiting and waiting[0][0] < event.known_at:
            yield heapq.heappop(waiting)[3]
        stream = stream_of[event.type]
        value = codecs[stream].encode(event)
        for rank, delivery in enumerate(_deliveries_of(event, stream, value, faults)):
            heapq.heappush(waiting, (delivery.at, event.event_id, rank, delivery))
    while waiting:
        yield heapq.heappop(waiting)[3]


def replay(
    sent: Iterable[Delivery],
    logs: Mapping[str, EventLog],
    speed: float,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Publish deliveries and return what was sent.

    Args:
        sent: in the order of their instants.
        logs: by name of the stream.
        speed: seconds of the events' clock for each second of ours; 0 sends as fast as the broker takes.
        watch: is told of the progress after each batch.
    """
    progress = Progress()
    begun: datetime | None = None
    started = time.monotonic()
    batch: list[Delivery] = []
    for delivery in sent:
        begun = begun or delivery.at
        due = (delivery.at - begun).total_seconds() / speed if speed else 0.0
        if len(batch) >= BATCH or (batch and due > time.monotonic() - started):
            _publish(batch, logs, progress)
            watch(progress)
            batch = []
        # A few at a time: a message each would be slower than the speed that is asked for.
        if (rest := due - (time.monotonic() - started)) > 0:
            time.sleep(max(rest, _TICK))
        batch.append(delivery)
    if batch:
        _publish(batch, logs, progress)
        watch(progress)
    return progress


def _publish(batch: list[Delivery], logs: Mapping[str, EventLog], progress: Progress) -> None:
    by_stream: dict[str, list[Message]] = {}
    for delivery in batch:
        by_stream.setdefault(delivery.stream, []).append(delivery.message)
    for stream, messages in by_stream.items():
        positions = logs[stream].publish_many(messages)
        progress.known_already += sum(position.is_duplicate for position in positions)
    progress.sent.update(delivery.kind for delivery in batch)
    progress.by_type.update(delivery.event_type for delivery in batch)
    progress.at = batch[-1].at


def _deliveries_of(event: Event, stream: str, value: bytes, faults: Faults) -> Iterator[Delivery]:
    """Yield what is sent for one event; of what is sent at one instant, the first first."""
    chance = _Chance(faults.seed, event.event_id)
    at = event.known_at
    if faults.shuffle:
        at += SHUFFLE * chance.share("shuffle")
    kind: Kind = "event"
    if chance.share("late") < faults.late:
        least, most = LATE_BY
        at, kind = at + least + (most - least) * chance.share("late by"), "late"
    if chance.share("corrupt") < faults.corrupt:
        damaged = Message(f"{event.event_id}#corrupt", event.key, _damaged(value, chance))
        yield Delivery(at, stream, event.type, "corrupt", damaged)
    yield Delivery(at, stream, event.type, kind, Message(event.event_id, event.key, value))
    if chance.share("duplicate") < faults.duplicate:
        # An id of its own: with the first one's, a broker that knows ids would hide the fault.
        copy = Message(f"{event.event_id}#duplicate", event.key, value)
        yield Delivery(at + DUPLICATE_AFTER * chance.share("duplicate after"), stream, event.type, "duplicate", copy)


def _damaged(value: bytes, chance: _Chance) -> bytes:
    """Return bytes that are no event: cut off, not UTF-8, of an unknown version, or without their data."""
    ways: tuple[Callable[[bytes], bytes], ...] = (
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"\xff\xfe" + whole,
        lambda whole: whole.replace(b'"schema_version":', b'"schema_version":99', 1),
        lambda whole: whole.replace(b'"data":', b'"lost":', 1),
    )
    return ways[int(chance.share("way") * len(ways))](value)


class _Chance:
    """Numbers that follow from a seed and an event alone."""

    def __init__(self, seed: int, event_id: str) -> None:
        self._base = blake2b(f"{seed}/{event_id}".encode(), digest_size=8)

    def share(self, purpose: str) -> float:
        """Return a number from 0 to below 1, evenly spread, the same for each purpose."""
        digest = self._base.copy()
        digest.update(purpose.encode())
        return int.from_bytes(digest.digest(), "big") / 2**64
