"""The thread on which an asynchronous client runs."""

from __future__ import annotations

import asyncio
import threading

import pytest

from catena.streams.loop_thread import LoopThread


def test_results_and_errors_reach_the_caller():
    """A coroutine's value is returned and its exception raised, as from a function."""
    loop = LoopThread("tests")

    async def fail():
        raise LookupError("lost")

    assert loop.run(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError, match="lost"):
        loop.run(fail())
    loop.close()


def test_closing_ends_what_still_waits_and_the_thread():
    """A call that nobody waits for any more does not outlive the client; closing again does nothing."""
    loop, begun, ended = LoopThread("tests-closing"), threading.Event(), threading.Event()

    async def wait_for_ever():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def leave_behind():
        return asyncio.create_task(wait_for_ever())

    left = loop.run(leave_behind())
    assert begun.wait(5)
    loop.close()
    loop.close()
    assert ended.is_set()
    assert left.cancelled()
    assert "tests-closing" not in {thread.name for thread in threading.enumerate()}
