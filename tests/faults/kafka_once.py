"""Publishes and reads at librdkafka's own double of Kafka, writes a Delta table, and leaves: `kafka_once.py FOLDER`."""

from __future__ import annotations

import sys

import pyarrow as pa
from confluent_kafka import Producer
from deltalake import DeltaTable, write_deltalake

from catena.lake.files import files_of
from catena.streams.kafka import KafkaLog

with Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1, "log_level": 2}) as owner:
    [broker] = owner.list_topics("faults.events", timeout=30).brokers.values()
    log = KafkaLog(f"{broker.host}:{broker.port}", "faults.events", 4)
    position = log.publish("a", "k", b"1")
    records = log.read(position.partition, 0, 10, 10).records
    write_deltalake(sys.argv[1], pa.table({"id": [record.id for record in records]}))
    log.close()
# As the lake reads: through the library's own file system the script would abort at its exit, Kafka or not.
sys.stdout.write(" ".join(files_of(DeltaTable(sys.argv[1])).to_table()["id"].to_pylist()))
