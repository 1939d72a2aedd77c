"""Works in processes that start at once and may be killed: one order, JSON, a line on stdin.

The imports take seconds, so they are done once: each order forks a process of its own, which says on standard output
what becomes of it, a JSON object a line. It ends as an interpreter ends, so that its exit code speaks for its clients.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import catena.chain.streaming.merge
import catena.lake.events
import catena.streams.jetstream
from catena.chain.streaming.landing import Limits
from catena.chain.streaming.stream import drain_streams
from catena.chain.upkeep import maintain_tables
from catena.declared import declared_usecase
from catena.run import Run
from catena.settings import Settings
from catena.streams.connect import open_log
from catena.streams.errors import BrokerUnreachable
from catena.streams.port import Message
from catena.workspace import Workspace

Order = dict[str, Any]


def say(order: Order, **what: Any) -> None:
    """Write one line at once: processes share the pipe."""
    os.write(1, (json.dumps({"order": order["order"], **what}, default=str) + "\n").encode())


def usecase_of(streams: list[str]) -> Any:
    """Return the flights with some of their streams."""
    declared = declared_usecase("flight_delays")
    return declared.model_copy(update={"streams": tuple(s for s in declared.streams if s.name in streams)})


def drain(order: Order) -> None:
    """Drain until nothing comes any more, or once; `until` names a file at whose appearance the last drain begins."""
    workspace, usecase = Workspace(Settings(_env_file=None, **order["settings"])), usecase_of(order["streams"])
    run = Run("flight_delays", "stream", f"worker-{order['order']}", code_version="test")
    if "meet" in order:
        meet_before_append(order)
    if "wait_merging" in order:
        wait_before_publishing(order)
    if "file_bytes" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"], order["file_bytes"]))
    say(order, begun=True)
    until = Path(order["until"]) if "until" in order else None
    while True:
        is_last = until is None or until.exists()
        try:
            outcome = drain_streams(workspace, usecase, run, Limits(batch=order["batch"]))
        except BrokerUnreachable:
            if is_last:
                raise
            continue
        say(order, outcome=outcome.details)
        if is_last:
            workspace.engine.dispose()
            return


def read(order: Order) -> None:
    """Read a table once, and again until a file appears; each reading holds all that the one before it held."""
    lake = Workspace(Settings(_env_file=None, **order["settings"])).lake(usecase_of(order["streams"]))
    before: set[int] = set()
    reads = 0
    say(order, begun=True)
    while not reads or not Path(order["until"]).exists():
        offsets = lake.read(order["table"], columns=["log_offset"])["log_offset"].to_pylist()
        if len(offsets) != len(set(offsets)) or not before <= set(offsets):
            raise AssertionError(
                f"{len(before)} records were there, now {len(offsets)}, {len(set(offsets))} of them differ"
            )
        before, reads = set(offsets), reads + 1
    say(order, outcome={"reads": reads})


def maintain(order: Order) -> None:
    """Compact, vacuum and checkpoint all tables, once or again and again until killed."""
    workspace, usecase = Workspace(Settings(_env_file=None, **order["settings"])), usecase_of(order["streams"])
    run = Run("flight_delays", "maintain", f"worker-{order['order']}", code_version="test")
    say(order, begun=True)
    while True:
        say(order, outcome=maintain_tables(workspace, usecase, run, retention_hours=1).details)
        if order["is_once"]:
            workspace.engine.dispose()
            return


def wait_before_publishing(order: Order) -> None:
    """Let the merge wait, with the records that it has read, until a file appears."""
    publish_feed, begun, go = catena.chain.streaming.merge.publish_feed, *map(Path, order["wait_merging"])

    def published(*arguments: Any, **options: Any) -> Any:
        begun.touch()
        while not go.exists():
            time.sleep(0.001)
        return publish_feed(*arguments, **options)

    catena.chain.streaming.merge.publish_feed = published


def meet_before_append(order: Order) -> None:
    """Let the first append wait until all who meet have read the position and are about to commit from it."""
    append, (folder, number) = catena.lake.events.append_rows, order["meet"]

    def appended(*arguments: Any) -> bool:
        mine = Path(folder) / str(order["order"])
        if not mine.exists():
            mine.touch()
            while len(list(Path(folder).iterdir())) < number:
                time.sleep(0.001)
        return append(*arguments)

    catena.lake.events.append_rows = appended


def publish(order: Order) -> None:
    """Publish a file of messages from the first that was not acknowledged on, noting each acknowledgement in a file."""
    lines = map(json.loads, Path(order["messages"]).read_text().splitlines())
    messages = [Message(id_, key, value.encode()) for id_, key, value in lines]
    noted = Path(order["acknowledged"]).read_bytes().count(b"\n")
    usecase = usecase_of(order["streams"])
    with closing(open_log(Settings(_env_file=None, **order["settings"]), usecase.name, usecase.streams[0])) as log:
        say(order, begun=True)
        with Path(order["acknowledged"]).open("ab", buffering=0) as notes:
            for first in range(noted, len(messages), order["batch"]):
                batch = messages[first : first + order["batch"]]
                positions = log.publish_many(batch)
                for message, position in zip(batch, positions, strict=True):
                    notes.write(f"{message.id} {position.offset}\n".encode())
                # So slowly that it does not end before it is killed, until that is over.
                if not Path(order["hurry"]).exists():
                    time.sleep(order["pause"])


def work(order: Order) -> None:
    """Do what is ordered; an error is said and ends the process with 1."""
    with Path(order["stderr"]).open("wb") as stderr:
        os.dup2(stderr.fileno(), 2)
    # Where a signal ends it, its threads are on record.
    faulthandler.enable()
    try:
        {"drain": drain, "maintain": maintain, "publish": publish, "read": read}[order["work"]](order)
    except Exception as error:  # noqa: BLE001 - told to whoever ordered
        say(order, error=f"{type(error).__name__}: {error}")
        sys.exit(1)


def main() -> None:
    """Fork for each order a process that works, and one that waits for it and says how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say({"order": 0}, ready=True)
    for line in sys.stdin:
        order = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (pid := os.fork()) == 0:
                work(order)
                return
            say(order, pid=pid)
            status = os.waitpid(pid, 0)[1]
            say(order, exit=os.waitstatus_to_exitcode(status))
            os._exit(0)


if __name__ == "__main__":
    main()
