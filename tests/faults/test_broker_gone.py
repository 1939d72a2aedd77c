"""The broker is away for a while: the ingest says so in time and goes on when it is back."""

from __future__ import annotations

import signal
import time

import pytest

from catena.platform import installation, processes
from catena.streams import BrokerUnreachable

pytestmark = pytest.mark.faults

DAYS = ("2013-02-01", "2013-02-02")
# Two attempts to connect of 5 s each, and what the machine needs.
LIMIT = 15.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_broker_that_was_gone_costs_nothing(ground_of, tmp_path, rounds, sign):
    """Killed or hung below a process that drains, the broker is told missing by the log's name; later nothing lacks.

    A process that begins while it is away says so within its time limit, each time.
    """
    if sign == signal.SIGSTOP and rounds(0, 1) == 0:
        pytest.skip("a broker that hangs takes a minute of time limits: CATENA_FAULT_ROUNDS=full")
    ground = ground_of("weather")
    told = ground.told(*DAYS)
    half = len(told) // 2
    ground.publish(told[:half])
    draining = ground.start_drain(batch=10, until=str(tmp_path / "never"))
    while not draining.outcomes:
        draining.take()
    processes.running(ground.settings)["nats"].send_signal(sign)
    gone_until = time.monotonic() + rounds(3, 60)
    missed = 0
    while time.monotonic() < gone_until:
        started = time.monotonic()
        with pytest.raises(BrokerUnreachable, match=r"^flight_delays\.weather.* does not answer"):
            ground.drain()
        assert time.monotonic() - started < LIMIT
        missed += 1
        time.sleep(0.5)
    assert missed >= 2
    if sign == signal.SIGSTOP:
        processes.running(ground.settings)["nats"].send_signal(signal.SIGCONT)
    else:
        installation.start_nats(ground.settings)
    ground.publish(told[half:])
    # The process that was draining all the while goes on by itself.
    (tmp_path / "never").touch()
    assert draining.wait() == 0, draining.error
    ground.assert_whole()
