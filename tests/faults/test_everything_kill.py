"""Producer, broker and consumer of a stream are killed in any order: what was acknowledged is in the table, once."""

from __future__ import annotations

import json
import random
import signal
import time

import pytest

from catena.platform import installation, processes

pytestmark = pytest.mark.faults


@pytest.mark.timeout(1_200)
def test_every_acknowledged_event_is_in_the_table_once(ground_of, tmp_path, rounds):
    """While one process publishes and one drains without end, SIGKILL hits either, or the broker below both.

    A producer that is started again publishes what it has no acknowledgement for, by the same ids; a broker that is
    started again has its log; a consumer that is started again goes on from the table.
    """
    ground = ground_of("weather")
    wanted, chance = int(rounds(3, 25)), random.Random(25)
    told = ground.told("2013-02-01", "2013-02-28" if wanted > 3 else "2013-02-04")
    messages, acknowledged = tmp_path / "messages", tmp_path / "acknowledged"
    hurry, until = tmp_path / "hurry", tmp_path / "until"
    messages.write_text(
        "".join(json.dumps([d.message.id, d.message.key, d.message.value.decode()]) + "\n" for d in told)
    )
    acknowledged.touch()

    def producer():
        files = {"messages": str(messages), "acknowledged": str(acknowledged), "hurry": str(hurry)}
        made = ground.start_working("publish", batch=3, pause=0.25, **files)
        made.wait_begun()
        return made

    def consumer():
        return ground.start_drain(batch=25, until=str(until))

    publishing, draining = producer(), consumer()
    kills = {"producer": 0, "broker": 0, "consumer": 0}
    while sum(kills.values()) < wanted:
        # Each in turn, so that few rounds have all; when, is left to chance.
        victim = list(kills)[sum(kills.values()) % 3]
        time.sleep(chance.uniform(0.05, 0.6))
        if victim == "broker":
            processes.running(ground.settings)["nats"].send_signal(signal.SIGKILL)
            # The producer does not survive its broker; a consumer waits for it.
            assert publishing.wait() == 1, publishing.stderr()
            assert "BrokerUnreachable" in publishing.error
            installation.start_nats(ground.settings)
            publishing = producer()
        elif victim == "producer":
            publishing.kill()
            assert publishing.wait() == -9, publishing.error
            publishing = producer()
        else:
            draining.kill()
            assert draining.wait() == -9, draining.error
            draining = consumer()
        kills[victim] += 1
    hurry.touch()
    assert publishing.wait() == 0, publishing.error
    until.touch()
    assert draining.wait() == 0, draining.error

    offsets = dict(line.rsplit(" ", 1) for line in acknowledged.read_text().splitlines())
    assert set(offsets) == {delivery.message.id for delivery in told}
    rows = ground.records("weather")
    assert {row["event_id"]: row["log_offset"] for row in rows} == {id_: int(at) for id_, at in offsets.items()}
    assert len(rows) == len(offsets)
    ground.assert_whole()
