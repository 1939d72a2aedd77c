"""The watcher on a real broker: it hints once at what waits, by number or age, and outlives a broker that is down."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from airflow.triggers.base import TriggerEvent

from catena.chain.streaming.landing import Limits, land_stream
from catena.declared import declared_usecase
from catena.platform import installation, processes
from catena.run import Run
from catena.settings import Settings, settings
from catena.streams import Message, open_log
from catena.workspace import Workspace
from catena_airflow.triggers.stream_lag import StreamLagTrigger

USECASE = declared_usecase("flight_delays")
RUN = Run("flight_delays", "stream", "run-1", code_version="test")


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation whose broker runs, as the trigger finds it: by the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    monkeypatch.setenv("CATENA_HOME", str(tmp_path))
    monkeypatch.setenv("CATENA_NATS_PORT", str(port))
    settings.cache_clear()
    installation.start_nats(settings())
    yield settings()
    processes.stop(settings(), ["nats"])
    settings.cache_clear()


def publish(broker: Settings, first: int, count: int) -> None:
    """Publish records that are no events: the watcher counts, and does not read."""
    with closing(open_log(broker, USECASE.name, USECASE.stream("flights"))) as log:
        log.publish_many([Message(f"{at}", "key", b"x") for at in range(first, first + count)])


def drain(broker: Settings) -> int:
    """Land what waits, as the link does."""
    return land_stream(Workspace(broker), USECASE, USECASE.stream("flights"), RUN, Limits()).records


PENDING: list[asyncio.Future[TriggerEvent]] = []


async def next_hint(trigger: AsyncIterator[TriggerEvent], seconds: float) -> dict[str, object] | None:
    """Return the next hint, None where none comes in this time: the wait for it then goes on in the next call."""
    waiting = PENDING.pop() if PENDING else asyncio.ensure_future(anext(trigger))
    done, _ = await asyncio.wait([waiting], timeout=seconds)
    if not done:
        PENDING.append(waiting)
        return None
    return waiting.result().payload


def test_serialises_and_comes_back_equal() -> None:
    """The triggerer makes the same trigger again from JSON."""
    trigger = StreamLagTrigger("flight_delays", records=7, age_s=2.5, poll_s=0.1)
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    assert path == "catena_airflow.triggers.stream_lag.StreamLagTrigger"
    assert StreamLagTrigger(**arguments).serialize() == trigger.serialize()


def test_hints_once_by_number_and_again_after_a_drain(broker: Settings) -> None:
    """Fewer records than the number are no hint, as many are one; the same backlog is not hinted at again."""

    async def watch() -> None:
        trigger = StreamLagTrigger(USECASE.name, records=5, age_s=3600, poll_s=0.05).run()
        publish(broker, 0, 4)
        assert await next_hint(trigger, 2) is None
        publish(broker, 4, 3)
        assert await next_hint(trigger, 20) == {"usecase": USECASE.name, "waiting": 7}
        publish(broker, 7, 3)
        assert await next_hint(trigger, 2) is None
        assert drain(broker) == 10
        assert await next_hint(trigger, 2) is None
        publish(broker, 10, 6)
        assert await next_hint(trigger, 20) == {"usecase": USECASE.name, "waiting": 6}
        await ended(trigger)

    asyncio.run(watch())


def test_hints_by_age_and_outlives_a_broker_that_is_down(broker: Settings) -> None:
    """One record is worth a hint when it has waited; while nobody answers the watcher waits, and goes on after."""

    async def watch() -> None:
        trigger = StreamLagTrigger(USECASE.name, records=1000, age_s=1.0, poll_s=0.05).run()
        publish(broker, 0, 1)
        begun = time.monotonic()
        assert await next_hint(trigger, 20) == {"usecase": USECASE.name, "waiting": 1}
        assert time.monotonic() - begun > 0.5
        drain(broker)
        processes.stop(broker, ["nats"])
        assert await next_hint(trigger, 2) is None
        installation.start_nats(broker)
        publish(broker, 1, 1)
        assert await next_hint(trigger, 30) == {"usecase": USECASE.name, "waiting": 1}
        await ended(trigger)

    asyncio.run(watch())


async def ended(trigger: AsyncIterator[TriggerEvent]) -> None:
    """End the trigger as the triggerer does."""
    for waiting in PENDING:
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
    PENDING.clear()
    await trigger.aclose()
