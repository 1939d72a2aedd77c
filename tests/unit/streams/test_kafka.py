"""What the Kafka adapter must set and stand, on the double of a cluster (librdkafka's mock)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from catena.streams import UnknownLog
from catena.streams.kafka import _CONSUMER, _PRODUCER, KafkaLog


def test_the_protocol_rests_on_these_options(kafka_double, open_kafka_double, fresh_name):
    """A deployment's options add to the client's, but cannot undo what exactly-once reading rests on."""
    assert {name: _CONSUMER[name] for name in ("enable.auto.commit", "isolation.level", "auto.offset.reset")} == {
        "enable.auto.commit": False, "isolation.level": "read_committed", "auto.offset.reset": "error",
    }  # fmt: skip
    assert _PRODUCER["enable.idempotence"] is True
    open_kafka_double(fresh_name)
    undoing = {"auto.offset.reset": "latest", "enable.auto.commit": True, "client.id": "tests"}
    log = KafkaLog(kafka_double, fresh_name, 4, undoing)
    position = log.publish("a", "k", b"1")
    assert [r.id for r in log.read(position.partition, 0, 10, 5).records] == ["a"]
    log.close()


def test_reading_goes_on_behind_what_a_client_skips(open_kafka_double, fresh_name, monkeypatch):
    """At the end of a partition the next offset is the broker's own end, not the last record's successor.

    A transaction's marker takes an offset and is no record. The double writes none, so the end is moved by hand.
    """
    log = open_kafka_double(fresh_name)
    position = log.publish("a", "k", b"1")
    assert log.read(position.partition, 0, 10, 5).next_offset == 1
    take = KafkaLog._take

    def with_a_marker(self, *arguments):
        end = take(self, *arguments)
        return None if end is None else end + 1

    monkeypatch.setattr(KafkaLog, "_take", with_a_marker)
    batch = log.read(position.partition, 0, 10, 5)
    assert (len(batch.records), batch.next_offset) == (1, 2)


def test_an_unknown_topic_is_told_and_not_made(kafka_double, fresh_name):
    """A misspelt name makes no topic: the error shows the command that would make one with the right partitions."""
    for _ in range(2):
        with pytest.raises(UnknownLog, match=rf"--topic {fresh_name} --partitions 3"):
            KafkaLog(kafka_double, fresh_name, 3)


def test_a_process_that_closed_its_log_ends_with_0(tmp_path):
    """After clients are closed the interpreter ends cleanly, also with the lake's library loaded beside them."""
    program = """
import deltalake
from confluent_kafka import Producer
from catena.streams.kafka import KafkaLog
with Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1, "log_level": 2}) as owner:
    [broker] = owner.list_topics("u.s", timeout=20).brokers.values()
    log = KafkaLog(f"{broker.host}:{broker.port}", "u.s", 4)
    position = log.publish("a", "k", b"1")
    assert log.read(position.partition, 0, 10, 5).records[0].value == b"1"
    log.close()
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
