"""What shows that streams and files came to the same: records counted at both ends, and tables compared row by row.

Comparing events with files day by day, as the chain does it, belongs in `catena.chain.streaming.reconcile`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from catena.chain.streaming.reconcile import differences
from catena.declaration import Dataset, Stream, UseCase
from catena.streams.connect import open_log
from catena.workspace import Workspace


@dataclass(frozen=True)
class StreamCount:
    """The records of one stream.

    Attributes:
        at_broker: records that the log holds.
        landed: records that the table holds.
        events: different events among them.
        duplicates: copies of events that were there already.
        late: events that came later than the stream allows, copies included.
        dead: records that are no event.
        is_whole: whether the table holds each record of the log, and each once.
    """

    stream: str
    at_broker: int
    landed: int
    events: int
    duplicates: int
    late: int
    dead: int
    is_whole: bool


@dataclass(frozen=True)
class TableCount:
    """One clean table of two lakes; `differing` counts the keys that only one has, or with other values."""

    table: str
    rows: int
    rows_of_other: int
    differing: int

    @property
    def is_equal(self) -> bool:
        """Whether both hold the same rows."""
        return self.rows == self.rows_of_other and not self.differing


def count_stream(workspace: Workspace, usecase: UseCase, stream: Stream) -> StreamCount:
    """Count a stream's records at the broker and in its table.

    The broker must number records without gaps, as the embedded one does.

    Raises:
        StreamError: the broker does not answer.
    """
    at_broker: set[tuple[int, int]] = set()
    with closing(open_log(workspace.settings, usecase.name, stream)) as log:
        for partition in range(log.partitions):
            offsets = range(log.begin_offset(partition), log.end_offset(partition))
            at_broker.update((partition, offset) for offset in offsets)
    columns = ["log_partition", "log_offset", "standing", "event_id"]
    rows = workspace.lake(usecase).read(stream.table, columns=columns).to_pylist()
    landed = {(row["log_partition"], row["log_offset"]) for row in rows}
    events = {row["event_id"] for row in rows if row["standing"] != "dead"}
    standings = [row["standing"] for row in rows]
    dead = standings.count("dead")
    return StreamCount(
        stream.name, len(at_broker), len(rows), len(events), len(rows) - dead - len(events), standings.count("late"),
        dead, landed == at_broker and len(rows) == len(landed),
    )  # fmt: skip


def fed_datasets(usecase: UseCase) -> list[Dataset]:
    """Return the datasets that streams feed."""
    names = dict.fromkeys(feed.dataset for stream in usecase.streams for feed in stream.feeds)
    return [usecase.dataset(name) for name in names]


def compare_tables(usecase: UseCase, one: Workspace, other: Workspace) -> list[TableCount]:
    """Compare the tables that streams feed, whole, as two lakes have them."""
    found: list[TableCount] = []
    for name in (clean.table for dataset in fed_datasets(usecase) for clean in dataset.clean):
        rows, others = (workspace.lake(usecase).read(name) for workspace in (one, other))
        said = differences(usecase.table(name), rows, others)
        differing = said["only_in_file"] + said["only_in_events"] + said["other_values"]
        found.append(TableCount(name, rows.num_rows, others.num_rows, differing))
    return found
