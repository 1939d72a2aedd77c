"""The event log on NATS JetStream: one stream with file storage for each partition.

A stream for each partition, not one for all: only so are a partition's offsets, the stream's sequence numbers, free of
gaps, and a gap is proof of a loss. Deleting single records and purging are denied by the stream itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from nats.errors import Error as NatsError

from catena.streams.errors import (
    BrokerUnreachable,
    LogMisconfigured,
    OffsetAhead,
    OffsetGone,
    PublishRefused,
    SequenceGap,
    UnknownLog,
)
from catena.streams.jetstream_client import IDLE_SECONDS, JetStreamClient, JetStreamError, StreamState
from catena.streams.loop_thread import LoopThread
from catena.streams.port import Batch, Message, Position, Record, partition_of

T = TypeVar("T")
DUPLICATE_WINDOW = timedelta(minutes=2)
_STREAM_NOT_FOUND, _NAME_IN_USE, _NO_RESPONDERS = 10059, 10058, 503


@dataclass
class _Reader:
    """A consumer at the server and the sequence that it will deliver next."""

    consumer: str
    next_offset: int


class JetStreamLog:
    """An event log at a NATS server; see EventLog for what each method promises.

    Args:
        url: `nats://host:port`, or `tls://`.
        name: name of the log, `<usecase>.<stream>`.
        partitions: their number, which may grow and not shrink.
        retention: how long records are kept.
        credentials: `token`, or `user` and `password`.
    """

    def __init__(
        self, url: str, name: str, partitions: int, retention: timedelta, credentials: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self.partitions = partitions
        self._url = url
        self._credentials = dict(credentials or {})
        self._retention = retention
        self._client: JetStreamClient | None = None
        self._readers: dict[int, _Reader] = {}
        self._loop = LoopThread(f"nats {name}")
        try:
            self._run(self._prepare)
        except BaseException:
            self.close()
            raise

    def publish(self, id: str, key: str, value: bytes) -> Position:  # noqa: A002 - the port's own name
        """Publish one message."""
        return self.publish_many([Message(id, key, value)])[0]

    def publish_many(self, messages: Sequence[Message]) -> list[Position]:
        """Publish messages; the server drops those whose id it has stored within the duplicate window.

        Raises:
            PublishRefused: the server stored one of them not, for the reason it gives.
        """
        homes: dict[int, list[int]] = {}
        for number, message in enumerate(messages):
            homes.setdefault(partition_of(message.key, self.partitions), []).append(number)

        async def work(client: JetStreamClient) -> list[Position]:
            found: dict[int, Position] = {}
            for partition, numbers in sorted(homes.items()):
                try:
                    answers = await client.publish(self._subject(partition), [messages[number] for number in numbers])
                except JetStreamError as error:
                    advice = "Make room or find the limit that was met; then publish the same messages again."
                    problem = f"the broker refused a message: {error}."
                    raise PublishRefused(self.name, problem, advice, partition) from error
                for number, answer in zip(numbers, answers, strict=True):
                    found[number] = Position(partition, answer["seq"], bool(answer.get("duplicate")))
            return [found[number] for number in range(len(messages))]

        return self._run(work)

    def read(self, partition: int, start: int, limit: int, timeout: float) -> Batch:
        """Return the next records.

        Raises:
            SequenceGap: a record in between was deleted.
        """

        async def work(client: JetStreamClient) -> list[Record]:
            try:
                return await self._fetch(client, partition, start, limit, timeout)
            except JetStreamError as error:
                if error.code != _NO_RESPONDERS:
                    raise
                # The server forgets a consumer that nobody asked for a while.
                self._readers.pop(partition, None)
                return await self._fetch(client, partition, start, limit, timeout)

        found = self._run(work)
        if not found:
            # Silence may be an idle log, or one whose records were removed before this reader came to them.
            self._check_offset(partition, start, self._state(partition))
        for expected, record in enumerate(found, start):
            if record.offset != expected:
                self._readers.pop(partition, None)
                begin = self.begin_offset(partition)
                if begin > expected:
                    raise OffsetGone(self.name, partition, expected, begin)
                raise SequenceGap(self.name, partition, expected, record.offset)
        return Batch(tuple(found), start + len(found))

    def incarnation(self, partition: int) -> str:
        """Return the time of the stream's creation, to the nanosecond."""
        return self._state(partition).created

    def begin_offset(self, partition: int) -> int:
        """Return the oldest sequence that is kept."""
        return self._state(partition).first

    def end_offset(self, partition: int) -> int:
        """Return the next sequence."""
        return self._state(partition).next

    def offset_for_time(self, partition: int, at: datetime) -> int:
        """Return the first sequence stored at or after a time."""
        stream = self._stream(partition)
        found = self._run(lambda client: client.first_at(stream, at))
        return self.end_offset(partition) if found is None else found

    def close(self) -> None:
        """Disconnect and stop the client's thread."""
        client, self._client = self._client, None
        if client is not None:
            self._loop.run(client.close())
        self._loop.close()

    def _state(self, partition: int) -> StreamState:
        stream = self._stream(partition)
        return self._run(lambda client: client.state(stream))

    async def _fetch(
        self, client: JetStreamClient, partition: int, start: int, limit: int, timeout: float
    ) -> list[Record]:
        reader = self._readers.pop(partition, None)
        if reader is None or reader.next_offset != start:
            reader = await self._consumer(client, partition, start)
        found = await client.fetch(partition, f"{self._stream(partition)}.{reader.consumer}", limit, timeout)
        # Kept only after success: a consumer whose answer was lost has moved on.
        self._readers[partition] = _Reader(reader.consumer, start + len(found))
        return found

    async def _consumer(self, client: JetStreamClient, partition: int, start: int) -> _Reader:
        """Make a consumer that begins at `start`. It lives in the server's memory: where we are stands in the table."""
        stream, consumer = self._stream(partition), f"read-{uuid4().hex}"
        self._check_offset(partition, start, await client.state(stream))
        await client.call(f"CONSUMER.CREATE.{stream}.{consumer}", {"stream_name": stream, "config": {
            "name": consumer, "deliver_policy": "by_start_sequence", "opt_start_seq": start, "ack_policy": "none",
            "mem_storage": True, "num_replicas": 1, "inactive_threshold": int(IDLE_SECONDS * 1e9),
        }})  # fmt: skip
        return _Reader(consumer, start)

    def _check_offset(self, partition: int, start: int, state: StreamState) -> None:
        if start < state.first:
            raise OffsetGone(self.name, partition, start, state.first)
        if start > state.next:
            raise OffsetAhead(self.name, partition, start, state.next)

    async def _prepare(self, client: JetStreamClient) -> None:
        """Make what is missing at the server, and bring what is there to what is declared."""
        for partition in range(self.partitions):
            wanted = self._configuration(partition)
            try:
                await client.call(f"STREAM.CREATE.{wanted['name']}", wanted)
            except JetStreamError as error:
                if error.code != _NAME_IN_USE:
                    raise
                await client.call(f"STREAM.UPDATE.{wanted['name']}", wanted)
        try:
            await client.state(self._stream(self.partitions))
        except JetStreamError as error:
            if error.code == _STREAM_NOT_FOUND:
                return
            raise
        raise LogMisconfigured(
            self.name, f"the broker has more than the {self.partitions} partitions that are declared.",
            "Declare their true number: records in the others would never be read.",
        )  # fmt: skip

    def _configuration(self, partition: int) -> dict[str, Any]:
        return {
            "name": self._stream(partition),
            "subjects": [self._subject(partition)],
            "storage": "file",
            "num_replicas": 1,
            "retention": "limits",
            "discard": "old",
            "max_age": int(self._retention.total_seconds() * 1e9),
            # The server allows no window that is longer than the retention.
            "duplicate_window": int(min(DUPLICATE_WINDOW, self._retention).total_seconds() * 1e9),
            "allow_direct": True,
            "deny_delete": True,
            "deny_purge": True,
        }

    def _stream(self, partition: int) -> str:
        # A stream's name holds no full stop; a use case's and a stream's name hold no hyphen.
        return f"{self.name.replace('.', '-')}-{partition}"

    def _subject(self, partition: int) -> str:
        return f"{self.name}.{partition}"

    def _run(self, work: Callable[[JetStreamClient], Awaitable[T]]) -> T:
        async def connected() -> T:
            if self._client is None or not self._client.is_connected:
                self._readers.clear()
                client = JetStreamClient(self._url, self._credentials, f"catena {self.name}")
                await client.connect()
                self._client = client
            return await work(self._client)

        try:
            return self._loop.run(connected())
        except JetStreamError as error:
            if error.code == _STREAM_NOT_FOUND:
                advice = "It was deleted while it was in use: open it again, which makes a new one."
                raise UnknownLog(self.name, "the broker has no such log.", advice) from error
            advice = "See the log of the NATS server."
            raise LogMisconfigured(self.name, f"the broker refused: {error}.", advice) from error
        except (NatsError, OSError) as error:
            # What is half done on this connection would be taken for the next call's answer.
            self._abandon()
            # An address may hold a password.
            problem = f"NATS at {self._url.rpartition('@')[2]} does not answer: {str(error) or type(error).__name__}."
            advice = "See `catena status`; `catena up` starts the embedded server, CATENA_BROKER_URL names another."
            raise BrokerUnreachable(self.name, problem, advice) from error

    def _abandon(self) -> None:
        client, self._client = self._client, None
        self._readers.clear()
        if client is not None:
            self._loop.run(client.close())
