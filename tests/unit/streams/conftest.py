"""A real JetStream server, doubles of Kafka and of a schema registry, and the cluster of KAFKA_BOOTSTRAP where set."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from catena.settings import Settings
from catena.streams.connect import TOKEN_FILE
from catena.streams.jetstream import JetStreamLog
from catena.streams.kafka import KafkaLog
from catena.streams.port import EventLog

_names = count(1)
JETSTREAM, KAFKA, KAFKA_DOUBLE = "jetstream", "kafka-real-cluster", "kafka-double-librdkafka-mock"


@dataclass(frozen=True)
class Broker:
    """Opens logs at one broker; a name that was opened before is the same log."""

    kind: str
    open: Callable[[str, int], EventLog]


@pytest.fixture
def open_jetstream(nats_settings: Settings) -> Iterator[Callable[..., JetStreamLog]]:
    """Return a function that opens a log at the session's server; all are closed afterwards."""
    with ExitStack() as opened:

        def open_(name: str, partitions: int = 1, retention: timedelta = timedelta(days=7)) -> JetStreamLog:
            token = (nats_settings.home / TOKEN_FILE).read_text()
            url = f"nats://127.0.0.1:{nats_settings.nats_port}"
            return opened.enter_context(closing(JetStreamLog(url, name, partitions, retention, {"token": token})))

        yield open_


@pytest.fixture(scope="session")
def kafka_double() -> Iterator[str]:
    """Bootstrap address of librdkafka's mock cluster: its wire protocol, in this process, in memory.

    What it cannot show, so that only a real cluster can: durability (nothing is on disk); topic ids (no controller, so
    no incarnation); offsets by time; transactions' markers, hence gaps in offsets; retention by time (it keeps the last
    megabytes of each partition); topics that are made by an administrator (it makes any topic that a producer names,
    with four partitions); authentication and TLS.
    """
    with Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1, "log_level": 2}) as owner:
        [broker] = owner.list_topics(timeout=10).brokers.values()
        yield f"{broker.host}:{broker.port}"


@pytest.fixture
def open_kafka_double(kafka_double: str) -> Iterator[Callable[[str, int], KafkaLog]]:
    """Return a function that opens a log at the double; all are closed afterwards."""
    with ExitStack() as opened:

        def open_(name: str, partitions: int = 4) -> KafkaLog:
            with Producer({"bootstrap.servers": kafka_double, "log_level": 2}) as maker:
                # Asking for a topic as a producer makes it.
                maker.list_topics(name, timeout=10)
            return opened.enter_context(closing(KafkaLog(kafka_double, name, partitions)))

        yield open_


@pytest.fixture
def open_kafka() -> Iterator[Callable[[str, int], KafkaLog]]:
    """Return a function that opens a log at the cluster of KAFKA_BOOTSTRAP; topics are deleted afterwards."""
    bootstrap = os.environ["KAFKA_BOOTSTRAP"]
    admin, made = AdminClient({"bootstrap.servers": bootstrap}), set()
    with ExitStack() as opened:

        def open_(name: str, partitions: int = 4) -> KafkaLog:
            if name not in made:
                admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
                made.add(name)
            return opened.enter_context(closing(KafkaLog(bootstrap, name, partitions)))

        yield open_
        for future in admin.delete_topics(sorted(made)).values() if made else ():
            future.result(30)


@pytest.fixture(
    params=[
        JETSTREAM,
        KAFKA_DOUBLE,
        pytest.param(
            KAFKA,
            marks=pytest.mark.skipif("KAFKA_BOOTSTRAP" not in os.environ, reason="KAFKA_BOOTSTRAP names no cluster"),
        ),
    ]
)
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each broker in turn; the test's id names it, and the double as a double."""
    fixtures = {JETSTREAM: "open_jetstream", KAFKA_DOUBLE: "open_kafka_double", KAFKA: "open_kafka"}
    return Broker(request.param, request.getfixturevalue(fixtures[request.param]))


@pytest.fixture
def registry_double() -> Iterator[Any]:
    """A double of a schema registry over HTTP; `registry_double.py` says what it cannot show."""
    spec = importlib.util.spec_from_file_location("registry_double", Path(__file__).with_name("registry_double.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.registry_double() as double:
        yield double


@pytest.fixture
def fresh_name() -> str:
    """A name that no log has yet."""
    return f"tests_{os.getpid()}.log{next(_names)}"
