"""The embedded broker is killed while events are published: what it acknowledged is there when it comes back."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from catena.platform import installation, processes
from catena.settings import Settings
from catena.streams import BrokerUnreachable, Message
from catena.streams.connect import TOKEN_FILE
from catena.streams.jetstream import JetStreamLog

ROUNDS = 4

pytestmark = pytest.mark.faults


@pytest.fixture
def settings(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = Settings(_env_file=None, home=tmp_path, nats_port=port)
    installation.start_nats(found)
    yield found
    processes.stop(found, ["nats"])


def opened(settings):
    token = (settings.home / TOKEN_FILE).read_text()
    url = f"nats://127.0.0.1:{settings.nats_port}"
    return closing(JetStreamLog(url, "faults.events", 1, timedelta(days=1), {"token": token}))


def publish_without_end(log, acknowledged):
    """Publish batch after batch, from the first event that was not acknowledged on, and note each acknowledgement."""
    while True:
        first = len(acknowledged)
        batch = [Message(f"e{n}", "k", b"%d" % n * 40) for n in range(first, first + 50)]
        for message, position in zip(batch, log.publish_many(batch), strict=True):
            acknowledged[message.id] = position.offset


def test_every_acknowledged_event_outlives_the_broker(settings):
    """After each SIGKILL of the server amid publishing, the log holds all acknowledged events, once, in order, no gap.

    The producer meets BrokerUnreachable, publishes what was not acknowledged again by the same ids, and goes on with
    the log that it has.
    """
    acknowledged = {}
    with opened(settings) as log:
        incarnation = log.incarnation(0)
        for turn in range(ROUNDS):
            killer = threading.Timer(
                0.3 + 0.17 * turn, processes.running(settings)["nats"].send_signal, [signal.SIGKILL]
            )
            killer.start()
            with pytest.raises(BrokerUnreachable, match="does not answer"):
                publish_without_end(log, acknowledged)
            killer.join()
            installation.start_nats(settings)
            stored = {}
            offset = log.begin_offset(0)
            while offset < log.end_offset(0):
                found = log.read(0, offset, 1000, 5)
                stored |= {record.id: record.offset for record in found.records}
                assert [r.value for r in found.records] == [b"%d" % int(r.id[1:]) * 40 for r in found.records]
                offset = found.next_offset
            assert acknowledged.items() <= stored.items()
            assert sorted(stored.values()) == list(range(1, len(stored) + 1))
            assert log.incarnation(0) == incarnation
    assert len(acknowledged) > ROUNDS * 50
