"""Whenever the ingest of a stream is killed, the next one goes on: nothing is lost, doubled or different."""

from __future__ import annotations

import random
import time

import pytest

pytestmark = pytest.mark.faults

DAY = "2013-02-01"
# From its start to the end of a drain of one part, seconds, and the first moments of its work.
ANYWHERE, AT_ONCE = 1.2, 0.04


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(
    ("usual", "full", "latest"), [(4, 20, ANYWHERE), (8, 60, AT_ONCE)], ids=["at random", "in a tight loop"]
)
def test_killed_ingest_ends_as_an_undisturbed_one(ground_of, rounds, usual, full, latest):
    """After kills at any moment, each amid new events, every event is in its table once and the clean tables agree."""
    ground = ground_of("flights", "weather")
    told = ground.told(DAY, DAY, shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01)
    wanted, killed, chance = int(rounds(usual, full)), 0, random.Random(latest)
    # A process that ended before its kill does not count, so there are parts to spare.
    size = -(-len(told) // (2 * wanted))
    parts = [told[first : first + size] for first in range(0, len(told), size)]
    while killed < wanted and parts:
        ground.publish(parts.pop(0))
        process = ground.start_drain(batch=20)
        time.sleep(chance.uniform(0, latest))
        process.kill()
        code = process.wait()
        assert code in {0, -9}, process.error or process.stderr()
        killed += code == -9
    assert killed == wanted
    ground.publish([delivery for part in parts for delivery in part])
    ground.drain()
    ground.assert_whole()
