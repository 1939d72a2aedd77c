"""An installation with a broker of its own, the flights of some days as files and as events."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.streaming.merge import Merged, merge_stream
from catena.chain.streaming.rows import Decoder, rows_of
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.lake import EventTable, Lake, Position, arrow_schema
from catena.partitions import days
from catena.platform import installation, processes
from catena.run import Outcome, Run
from catena.settings import Settings
from catena.streams.codec import Codec
from catena.streams.event import Event
from catena.streams.port import Batch, Record
from catena.streams.replay import Faults, Progress, replay_history
from catena.workspace import Workspace
from usecases.flight_delays.upstream import export


@pytest.fixture
def usecase() -> UseCase:
    """The flights, as declared."""
    return declared_usecase("flight_delays")


@pytest.fixture
def run() -> Run:
    return Run("flight_delays", "stream", "run-1", code_version="0.1.0+test")


@pytest.fixture
def workspace(tmp_path: Path, fresh_database: Callable[[], str]) -> Iterator[Workspace]:
    """An opened, empty installation whose broker runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = Settings(_env_file=None, home=tmp_path, database_url=SecretStr(fresh_database()), nats_port=port)
    installation.start_nats(settings)
    opened = Workspace(settings)
    opened.ledger.create()
    yield opened
    opened.engine.dispose()
    processes.stop(settings, ["nats"])


Replay = Callable[..., Progress]
Load = Callable[..., list[Outcome]]


@pytest.fixture
def replay(workspace: Workspace, usecase: UseCase) -> Replay:
    """Return a function that publishes the history of days as fast as the broker takes it, with faults."""

    def publish(first: str, last: str, **faults: float | bool) -> Progress:
        return replay_history(workspace.settings, usecase, (first, last), speed=0, faults=Faults(**faults))

    return publish


@pytest.fixture
def load_files(usecase: UseCase) -> Load:
    """Return a function that writes the files of days and ingests them into a workspace."""

    def load(into: Workspace, first: str, last: str) -> list[Outcome]:
        export(str(into.settings.landing_root), into.engine.url, first, last)
        run = Run("flight_delays", "ingest", "batch", code_version="0.1.0+test")
        return [ingest_dataset(into, usecase, name, days(first, last), run) for name in ("flights", "weather")]

    return load


@pytest.fixture
def batch_only(tmp_path: Path, fresh_database: Callable[[], str]) -> Iterator[Workspace]:
    """A second, empty installation that never hears of a stream."""
    opened = Workspace(Settings(_env_file=None, home=tmp_path / "batch", database_url=SecretStr(fresh_database())))
    opened.ledger.create()
    yield opened
    opened.engine.dispose()


@pytest.fixture
def plain(batch_only: Workspace) -> Workspace:
    """An empty installation without a broker, for records that are landed from lists."""
    return batch_only


STORED_AT = datetime(2013, 3, 1, tzinfo=UTC)


@dataclass
class ListedLog:
    """A log that is a list of records: what a broker adds is tested with a real one.

    Landing and merging are those of the link.
    """

    lake: Lake
    usecase: UseCase
    run: Run
    incarnation: str = "first"

    def records(self, stream: str, told: Sequence[Event | bytes]) -> tuple[Record, ...]:
        """Return events, and bytes that are none, as records from offset 1 on."""
        codec = Codec(self.usecase.stream(stream), self.usecase.folder)
        values = [each if isinstance(each, bytes) else codec.encode(each) for each in told]
        return tuple(Record(0, at, f"{at}", "key", value, STORED_AT) for at, value in enumerate(values, 1))

    def land(self, stream: str, records: Sequence[Record], limit: int = 10_000) -> int:
        """Append the next records behind those that the table holds; return how many there were."""
        declared = self.usecase.stream(stream)
        table, source = EventTable(self.lake, declared.table), f"{stream}@{self.incarnation}:0"
        known = table.positions([source])[source]
        start = known.next_offset or 1
        found = tuple(records[start - 1 : start - 1 + limit])
        if found:
            decoder = Decoder(Codec(declared, self.usecase.folder), declared, self.usecase.calendar)
            schema = arrow_schema(self.lake.tables[declared.table])
            batch = Batch(found, start + len(found))
            rows, watermark = rows_of(batch, source, decoder, schema, known.watermark)
            assert table.append(rows, self.run, source, known.next_offset, Position(batch.next_offset, watermark))
        return len(found)

    def merge(self, stream: str) -> Merged:
        """Bring the clean tables up to what was landed."""
        return merge_stream(self.lake, self.usecase, self.usecase.stream(stream), self.run)

    def tell(self, stream: str, told: Sequence[Event | bytes]) -> Merged:
        """Land and merge all of a log that begins with these."""
        self.land(stream, self.records(stream, told))
        return self.merge(stream)


@pytest.fixture
def listed(plain: Workspace, usecase: UseCase, run: Run) -> ListedLog:
    """A log of lists, into the installation without a broker."""
    return ListedLog(plain.lake(usecase), usecase, run)


@pytest.fixture
def listed_log() -> type[ListedLog]:
    """The log of lists, for other lakes."""
    return ListedLog
