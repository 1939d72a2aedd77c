"""The event log on Apache Kafka: one topic, made by whoever runs the cluster.

The group offsets of the broker are never used: partitions are assigned, not subscribed to, and where to read is the
caller's business. Offsets may have gaps (transaction markers, compaction), so nothing is concluded from one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient

from catena.streams.errors import (
    BrokerUnreachable,
    LogMisconfigured,
    OffsetAhead,
    OffsetGone,
    PublishRefused,
    UnknownLog,
)
from catena.streams.port import Batch, Message, Position, Record, partition_of

ANSWER_SECONDS = 10.0
# The client hands over what it has only when its patience ends or the batch is full: short, so that few wait little.
_SLICE_SECONDS = 0.05
_CONSUMER: dict[str, Any] = {
    # Required by the client; with neither subscription nor commit the broker never hears of it.
    "group.id": "catena",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    # A removed offset is an error, never a silent jump to the beginning or the end.
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    # The end of a partition is told when the broker answers: a drain should not wait half a second for that.
    "fetch.wait.max.ms": 50,
    "allow.auto.create.topics": False,
}
_PRODUCER: dict[str, Any] = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "delivery.timeout.ms": 30_000,
    "allow.auto.create.topics": False,
}


class KafkaLog:
    """An event log at a Kafka cluster; see EventLog for what each method promises.

    Kafka drops the producer's own retries, not a message that is published a second time. A record's time is the
    broker's where the topic is made with `message.timestamp.type=LogAppendTime`; else it is the producer's clock, which
    the broker bounds by `message.timestamp.after.max.ms`.

    Args:
        bootstrap: `host:port`, several by comma.
        name: name of the topic, `<usecase>.<stream>`.
        partitions: the number of partitions that the topic must have.
        options: the client's options for security; those on which the protocol rests cannot be changed.
    """

    def __init__(self, bootstrap: str, name: str, partitions: int, options: dict[str, Any] | None = None) -> None:
        self.name = name
        self.partitions = partitions
        self._bootstrap = bootstrap
        # Errors reach the caller by the call that they spoil; the client's log would say them on standard error.
        self._options = {**(options or {}), "bootstrap.servers": bootstrap, "log_level": 2}
        self._consumers: dict[int, Consumer] = {}
        self._positions: dict[int, int] = {}
        self._producer: Producer | None = None
        try:
            self._check_topic()
        except BaseException:
            self.close()
            raise

    def publish(self, id: str, key: str, value: bytes) -> Position:  # noqa: A002 - the port's own name
        """Publish one message."""
        return self.publish_many([Message(id, key, value)])[0]

    def publish_many(self, messages: Sequence[Message]) -> list[Position]:
        """Publish messages.

        Raises:
            PublishRefused: the broker did not store one of them, for the reason it gives.
        """
        if self._producer is None:
            self._producer = Producer({**self._options, **_PRODUCER})
        found: dict[int, Position] = {}
        failed: list[KafkaError] = []
        for number, message in enumerate(messages):

            def note(error: KafkaError | None, stored: KafkaMessage, number: int = number) -> None:
                if error is not None:
                    failed.append(error)
                else:
                    found[number] = Position(int(stored.partition() or 0), int(stored.offset() or 0))

            self._produce(self._producer, message, note)
            self._producer.poll(0)
        self._producer.flush(_PRODUCER["delivery.timeout.ms"] / 1000 + ANSWER_SECONDS)
        if failed or len(found) < len(messages):
            raise self._not_published(failed[0] if failed else KafkaError(KafkaError._MSG_TIMED_OUT))
        return [found[number] for number in range(len(messages))]

    def read(self, partition: int, start: int, limit: int, timeout: float) -> Batch:
        """Return the next records."""
        if self._positions.pop(partition, None) != start:
            self._check_offset(partition, start)
            self._consumer(partition).assign([TopicPartition(self.name, partition, start)])
        records: list[Record] = []
        next_offset, deadline = start, time.monotonic() + timeout
        while len(records) < limit:
            patience = min(_SLICE_SECONDS, max(deadline - time.monotonic(), 0.0))
            end = self._take(partition, start, records, limit, patience)
            # The end lies beyond markers and aborted records, which the client skips without a word.
            next_offset = max(next_offset, end or start, records[-1].offset + 1 if records else start)
            if (records and end is not None) or time.monotonic() >= deadline:
                break
        if not records:
            # Silence may be an idle log, a dead broker, or a log whose records were removed meanwhile: ask.
            self._check_offset(partition, next_offset)
        self._positions[partition] = next_offset
        return Batch(tuple(records), next_offset)

    def incarnation(self, partition: int) -> str:
        """Return the id that the cluster gave the topic when it was made."""
        admin = AdminClient(self._options)
        try:
            answer = admin.describe_topics(TopicCollection([self.name]), request_timeout=ANSWER_SECONDS)
            return str(answer[self.name].result(ANSWER_SECONDS + 1).topic_id)
        except (KafkaException, TimeoutError) as error:
            raise self._unreachable(error) from error

    def begin_offset(self, partition: int) -> int:
        """Return the low watermark."""
        return self._watermarks(partition)[0]

    def end_offset(self, partition: int) -> int:
        """Return the last stable offset: what lies beyond it belongs to a transaction that is still open."""
        return self._watermarks(partition)[1]

    def offset_for_time(self, partition: int, at: datetime) -> int:
        """Return the first offset stored at or after a time."""
        asked = TopicPartition(self.name, partition, int(at.timestamp() * 1000))
        try:
            [answer] = self._consumer(partition).offsets_for_times([asked], timeout=ANSWER_SECONDS)
        except KafkaException as error:
            raise self._unreachable(error) from error
        return answer.offset if answer.offset >= 0 else self.end_offset(partition)

    def close(self) -> None:
        """Close all clients; each has threads that would otherwise outlive the interpreter."""
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()

    def _produce(self, producer: Producer, message: Message, note: Any) -> None:
        while True:
            try:
                producer.produce(
                    self.name, message.value, message.key.encode(), partition_of(message.key, self.partitions),
                    on_delivery=note, headers={"id": message.id.encode()},
                )  # fmt: skip
            except BufferError:
                # The client's queue is full: let it deliver.
                producer.poll(0.1)
            except KafkaException as error:
                raise self._not_published(error.args[0]) from error
            else:
                return

    def _take(self, partition: int, start: int, records: list[Record], limit: int, patience: float) -> int | None:
        """Append what there is; return the end of the partition where it was met."""
        end = None
        for message in self._consumer(partition).consume(limit - len(records), timeout=patience):
            error = message.error()
            if error is None:
                records.append(self._record(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                end = message.offset()
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                wanted = records[-1].offset + 1 if records else start
                self._check_offset(partition, wanted)
                raise self._unreachable(error)
            else:
                raise self._unreachable(error)
        return end

    def _check_offset(self, partition: int, start: int) -> None:
        begin, end = self._watermarks(partition)
        if start < begin:
            raise OffsetGone(self.name, partition, start, begin)
        if start > end:
            raise OffsetAhead(self.name, partition, start, end)

    def _watermarks(self, partition: int) -> tuple[int, int]:
        asked = TopicPartition(self.name, partition)
        try:
            marks = self._consumer(partition).get_watermark_offsets(asked, timeout=ANSWER_SECONDS, cached=False)
        except KafkaException as error:
            raise self._unreachable(error) from error
        if marks is None:
            raise self._unreachable(TimeoutError())
        return int(marks[0]), int(marks[1])

    def _consumer(self, partition: int) -> Consumer:
        # One for each partition: assigning another one would throw away what was fetched ahead.
        if partition not in self._consumers:
            self._consumers[partition] = Consumer({**self._options, **_CONSUMER})
        return self._consumers[partition]

    def _check_topic(self) -> None:
        try:
            topic = self._consumer(0).list_topics(self.name, timeout=ANSWER_SECONDS).topics[self.name]
        except KafkaException as error:
            raise self._unreachable(error) from error
        advice = (
            f"kafka-topics.sh --create --topic {self.name} --partitions {self.partitions} "
            "--config message.timestamp.type=LogAppendTime makes it."
        )
        if topic.error is not None:
            raise UnknownLog(self.name, f"the cluster says: {topic.error.str()}.", advice)
        if len(topic.partitions) != self.partitions:
            raise LogMisconfigured(
                self.name, f"the topic has {len(topic.partitions)} partitions, declared are {self.partitions}.",
                "Declare their true number: records in the others would never be read.",
            )  # fmt: skip

    def _not_published(self, error: KafkaError) -> PublishRefused | BrokerUnreachable:
        if error.code() in {KafkaError._MSG_TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:
            return self._unreachable(error)
        advice = "Remove the cause; then publish the same messages again."
        return PublishRefused(self.name, f"the broker refused a message: {error.str()}.", advice)

    def _unreachable(self, error: object) -> BrokerUnreachable:
        return BrokerUnreachable(
            self.name, f"Kafka at {self._bootstrap} does not answer: {error or type(error).__name__}.",
            "Check that the cluster runs, and CATENA_BROKER_URL and CATENA_BROKER_CREDENTIALS.",
        )  # fmt: skip

    def _record(self, message: KafkaMessage) -> Record:
        headers = dict(message.headers() or ())
        id_ = headers.get("id", b"")
        partition, offset = int(message.partition() or 0), int(message.offset() or 0)
        kind, milliseconds = message.timestamp()
        if kind == TIMESTAMP_NOT_AVAILABLE:
            # A time of 1970 in its place would make every event one of the future.
            raise LogMisconfigured(
                self.name, f"the record of partition {partition}, offset {offset} has no time.",
                "Its format is older than Kafka 0.10: set message.timestamp.type=LogAppendTime on the topic.",
            )  # fmt: skip
        return Record(
            partition=partition,
            offset=offset,
            id=id_.decode(errors="replace") if isinstance(id_, bytes) else str(id_),
            key=(message.key() or b"").decode(errors="replace"),
            value=message.value() or b"",
            stored_at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds),
        )
