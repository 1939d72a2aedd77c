"""The port of an event log: what the chain asks of a broker, and nothing that only one broker has.

A log is one stream of a use case, split into numbered partitions. Each partition is a sequence of records with rising
offsets. How a broker does it belongs in its adapter; what the values mean belongs in `catena.streams.codec`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be published.

    Attributes:
        id: names this delivery, not the event: a retry repeats it, so that a broker that knows it stores no copy.
        key: messages of one key lie in one partition, in the order in which they were published.
        value: the encoded event.
    """

    id: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Where an acknowledged message lies; `is_duplicate` where the broker knew its id and stored no copy."""

    partition: int
    offset: int
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a partition, as it was published.

    `stored_at` is the log's own time (UTC): the same whoever reads it and whenever, no earlier than the publishing, and
    no claim of the event's producer.
    """

    partition: int
    offset: int
    id: str
    key: str
    value: bytes
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order of their offsets, and the offset to read next.

    `next_offset` may lie beyond the last record's successor, since a log may use offsets for itself (Kafka's
    transaction markers): whoever computed it from the last record would wait for these forever.
    """

    records: tuple[Record, ...]
    next_offset: int


class EventLog(Protocol):
    """One log at a broker. Not to be shared by threads or carried across a fork; closed explicitly.

    Each call raises BrokerUnreachable where the broker does not answer in time; the log stays usable and connects
    again by itself.
    """

    @property
    def name(self) -> str:
        """Name of the log, `<usecase>.<stream>`."""

    @property
    def partitions(self) -> int:
        """Number of partitions; they are 0 to this less one."""

    def incarnation(self, partition: int) -> str:
        """Return what tells this log from another one of its name, whose offsets mean other records."""

    def publish(self, id: str, key: str, value: bytes) -> Position:  # noqa: A002 - the field's own name
        """Publish one message; when this returns, the broker has stored it."""

    def publish_many(self, messages: Sequence[Message]) -> list[Position]:
        """Publish messages, many in flight; when this returns, the broker has stored all.

        At least once: where it raises, any of them may have been stored. Publishing the same messages again is safe,
        because readers know events by their ids.
        """

    def read(self, partition: int, start: int, limit: int, timeout: float) -> Batch:
        """Return up to `limit` records from offset `start` on, as soon as there are any.

        Reading has no memory: the same call returns the same records as long as the log holds them. An empty batch
        means that nothing came within `timeout` seconds.

        Raises:
            OffsetGone: retention has removed the record at `start`.
            OffsetAhead: `start` lies beyond the end of the log.
        """

    def begin_offset(self, partition: int) -> int:
        """Return the offset of the oldest record that is kept; the end offset where there is none."""

    def end_offset(self, partition: int) -> int:
        """Return the offset that the next record will get, or the first one that may not be read yet."""

    def offset_for_time(self, partition: int, at: datetime) -> int:
        """Return the offset of the first record stored at or after a time; the end offset where there is none."""

    def close(self) -> None:
        """Disconnect; a closed log is used no more. Closing twice is no error."""


def partition_of(key: str, partitions: int) -> int:
    """Return the partition of a key: the same in every process, adapter and release."""
    return crc32(key.encode()) % partitions
