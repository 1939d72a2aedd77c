"""What every event log promises, asked of each broker: one suite, so that the chain need not know which one it has."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from catena.streams import BrokerUnreachable, Message, OffsetAhead, OffsetGone, partition_of
from catena.streams.jetstream import JetStreamLog
from catena.streams.kafka import KafkaLog

JETSTREAM, DOUBLE = "jetstream", "kafka-double-librdkafka-mock"


def messages(count: int, key: str = "k", first: int = 0) -> list[Message]:
    return [Message(f"id-{n}", key, b"value %d" % n) for n in range(first, first + count)]


def everything(log, partition, limit=1000):
    """Read a partition from its beginning to the end that it has now."""
    offset, end, records = log.begin_offset(partition), log.end_offset(partition), []
    while offset < end:
        batch = log.read(partition, offset, limit, 5)
        assert batch.records
        records += batch.records
        offset = batch.next_offset
    return records


def test_records_come_back_as_they_were_published(broker, fresh_name):
    """Id, key and bytes survive, in order, at the positions that were acknowledged, with the log's time."""
    log, before = broker.open(fresh_name, 4), datetime.now(UTC)
    sent = [*messages(5), Message("ß/1\n", "key\r\nwith: ünusual", bytes(range(256))), Message("7", "k", b"")]
    positions = log.publish_many(sent)
    home = partition_of("k", 4)
    records = {(r.partition, r.offset): r for p in range(4) for r in everything(log, p)}
    assert len(records) == 7
    for message, position in zip(sent, positions, strict=True):
        record = records[position.partition, position.offset]
        assert (record.id, record.key, record.value) == (message.id, message.key, message.value)
        assert before - timedelta(seconds=2) <= record.stored_at <= datetime.now(UTC) + timedelta(seconds=2)
    assert [r.id for r in everything(log, home)][:5] == [f"id-{n}" for n in range(5)]
    # The time is the log's: whoever reads later reads the same.
    time.sleep(0.01)
    again = broker.open(fresh_name, 4)
    stored = {(r.partition, r.offset): r.stored_at for p in range(4) for r in everything(again, p)}
    assert stored == {place: record.stored_at for place, record in records.items()}
    assert all(a.stored_at <= b.stored_at for a, b in pairwise(everything(again, home)))


def test_one_message_is_stored_when_publish_returns(broker, fresh_name):
    """An acknowledgement means that another client reads it at that offset."""
    position = broker.open(fresh_name, 4).publish("a", "key", b"1")
    assert position.partition == partition_of("key", 4)
    batch = broker.open(fresh_name, 4).read(position.partition, position.offset, 10, 5)
    assert [(r.id, r.offset) for r in batch.records] == [("a", position.offset)]


def test_reading_has_no_memory(broker, fresh_name):
    """The same offsets give the same records, in any order of asking and for any client."""
    log = broker.open(fresh_name, 4)
    partition = log.publish_many(messages(30))[0].partition
    begin = log.begin_offset(partition)
    first = log.read(partition, begin, 10, 5)
    assert (len(first.records), first.next_offset) == (10, first.records[-1].offset + 1)
    second = log.read(partition, first.next_offset, 10, 5)
    assert log.read(partition, begin, 10, 5) == first
    assert broker.open(fresh_name, 4).read(partition, first.next_offset, 10, 5) == second
    assert [r.id for r in first.records + second.records] == [f"id-{n}" for n in range(20)]


def test_an_end_offset_bounds_a_drain(broker, fresh_name):
    """Reading to the end offset that was seen at first ends, whatever is published meanwhile."""
    log = broker.open(fresh_name, 4)
    partition = log.publish_many(messages(25))[0].partition
    end = log.end_offset(partition)
    log.publish_many(messages(10, first=25))
    assert log.end_offset(partition) == end + 10
    assert [r.id for r in everything(log, partition) if r.offset < end] == [f"id-{n}" for n in range(25)]


def test_an_empty_log_begins_where_it_ends(broker, fresh_name):
    """A new partition has nothing to read, and says so after the time that was allowed."""
    log = broker.open(fresh_name, 4)
    begin = log.begin_offset(0)
    assert begin == log.end_offset(0)
    started = time.monotonic()
    batch = log.read(0, begin, 10, 0.3)
    assert (batch.records, batch.next_offset) == ((), begin)
    assert 0.25 <= time.monotonic() - started < 5


def test_a_waiting_reader_gets_what_comes(broker, fresh_name):
    """A read at the end returns as soon as something is published, not only when its time is up."""
    reader, writer = broker.open(fresh_name, 4), broker.open(fresh_name, 4)
    partition = partition_of("k", 4)
    position = writer.publish("a", "k", b"1")
    assert reader.read(partition, position.offset + 1, 10, 0.1).records == ()
    writer.publish("b", "k", b"2")
    started = time.monotonic()
    assert [r.id for r in reader.read(partition, position.offset + 1, 10, 30).records] == ["b"]
    assert time.monotonic() - started < 10


def test_an_offset_beyond_the_end_is_an_error(broker, fresh_name):
    """A log that is shorter than what was read from it lost data: it must not look like an idle one."""
    log = broker.open(fresh_name, 4)
    position = log.publish("a", "k", b"1")
    with pytest.raises(OffsetAhead) as found:
        log.read(position.partition, position.offset + 2, 10, 1)
    assert (found.value.log, found.value.partition, found.value.offset) == (
        fresh_name, position.partition, position.offset + 2,
    )  # fmt: skip
    assert found.value.end == position.offset + 1


def test_keys_spread_and_stay(broker, fresh_name):
    """Each key has one partition, in which its messages keep their order; many keys use all partitions."""
    log = broker.open(fresh_name, 4)
    sent = [Message(f"{key}-{n}", f"key {key}", b"") for n in range(3) for key in range(40)]
    log.publish_many(sent)
    homes, order = {}, {}
    for partition in range(4):
        for record in everything(log, partition):
            homes.setdefault(record.key, set()).add(partition)
            order.setdefault(record.key, []).append(record.id)
    assert {len(found) for found in homes.values()} == {1}
    assert set().union(*homes.values()) == {0, 1, 2, 3}
    assert order == {f"key {key}": [f"{key}-{n}" for n in range(3)] for key in range(40)}


def test_offsets_rise(broker, fresh_name):
    """Offsets of a partition rise strictly; on JetStream they have no gaps, and begin at 1."""
    log = broker.open(fresh_name, 4)
    partition = log.publish_many(messages(3000))[0].partition
    offsets = [r.offset for r in everything(log, partition, limit=700)]
    assert len(offsets) == 3000
    assert all(a < b for a, b in pairwise(offsets))
    if broker.kind == JETSTREAM:
        assert offsets == list(range(1, 3001))


def test_a_closed_log_may_be_closed_again(broker, fresh_name):
    """Closing is safe in whatever order error handling does it."""
    log = broker.open(fresh_name, 4)
    log.close()
    log.close()


def test_time_leads_to_an_offset(broker, fresh_name):
    """A start time to replay from finds the first record stored since; a time to come finds the end."""
    if broker.kind == DOUBLE:
        pytest.skip("the double knows no offsets by time")
    log = broker.open(fresh_name, 4)
    early = log.publish_many(messages(5))[0]
    time.sleep(0.05)
    between = datetime.now(UTC)
    time.sleep(0.05)
    later = log.publish_many(messages(5, first=5))[0]
    assert log.offset_for_time(early.partition, between) == later.offset
    assert log.offset_for_time(early.partition, datetime(2001, 1, 1, tzinfo=UTC)) == early.offset
    assert log.offset_for_time(early.partition, datetime.now(UTC) + timedelta(hours=1)) == log.end_offset(
        early.partition
    )


def test_incarnations_tell_logs_apart(broker, fresh_name):
    """An incarnation is the same for every client of a log, and another for another log."""
    if broker.kind == DOUBLE:
        pytest.skip("the double has no topic ids")
    log = broker.open(fresh_name, 4)
    assert broker.open(fresh_name, 4).incarnation(0) == log.incarnation(0)
    assert broker.open(f"{fresh_name}x", 4).incarnation(0) != log.incarnation(0)


def test_retention_that_passed_a_reader_is_an_error(broker, fresh_name, open_jetstream):
    """What was removed before it was read is a gap, which must never be skipped in silence."""
    if broker.kind == JETSTREAM:
        log = open_jetstream(fresh_name, 4, retention=timedelta(seconds=1))
        partition = log.publish_many(messages(10))[0].partition
        deadline = time.monotonic() + 20
        while log.begin_offset(partition) == 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        begin = 11
        assert log.end_offset(partition) == begin
    elif broker.kind == DOUBLE:
        log = broker.open(fresh_name, 4)
        # It keeps some megabytes of each partition.
        for n in range(8):
            partition = log.publish_many([Message(f"{n}-{m}", "k", bytes(100_000)) for m in range(20)])[0].partition
        begin = log.begin_offset(partition)
        assert begin > 1
    else:
        pytest.skip("a real cluster's retention takes minutes")
    assert log.begin_offset(partition) == begin
    with pytest.raises(OffsetGone, match="removed before they were read") as found:
        log.read(partition, begin - 1, 10, 1)
    assert (found.value.log, found.value.partition, found.value.offset) == (fresh_name, partition, begin - 1)
    assert found.value.begin == begin


@pytest.mark.parametrize("kind", ["jetstream", "kafka"])
def test_a_broker_that_is_not_there_is_named(kind, monkeypatch):
    """The error says where no broker answers and what to do; a password in the address is not told."""
    if kind == "jetstream":
        with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1 .*catena up") as found:
            JetStreamLog("nats://user:hush@127.0.0.1:1", "u.s", 1, timedelta(days=1))
        assert "hush" not in str(found.value)
    else:
        monkeypatch.setattr("catena.streams.kafka.ANSWER_SECONDS", 1.0)
        with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1 .*CATENA_BROKER_URL"):
            KafkaLog("127.0.0.1:1", "u.s", 1)


@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    jumps=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 70)), max_size=6),
)
def test_any_reads_of_any_batches_are_slices_of_one_sequence(broker, fresh_name, cuts, jumps):
    """However a log was written and wherever it is read, a read is the slice of the one sequence from its start on."""
    log = broker.open(fresh_name, 4)
    partition = partition_of("k", 4)
    for number, cut in enumerate(cuts):
        log.publish_many([Message(f"{time.monotonic_ns()}-{number}-{n}", "k", b"%d" % n) for n in range(cut)])
    whole = everything(log, partition)
    assert len(whole) >= sum(cuts)
    for start, limit in jumps:
        rest = whole[start:]
        if rest:
            records = log.read(partition, rest[0].offset, limit, 5).records
            assert list(records) == rest[: len(records)]
            assert records
