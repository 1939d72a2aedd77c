"""From the records of a stream to clean tables: each day anew from the set of its events, so that no order matters.

A day's rows are a function of the events that are known of it: copies count once, of several versions of an event the
one that became known last. They meet the rules of the dataset that they feed and become its clean tables by the same
SQL as its files. They are provisional: where the day's file has been ingested, they change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catena.arrow_sql import sql_over
from catena.chain.ingesting.clean import clean_rows, rows_taken
from catena.chain.ingesting.quarantine import quarantined_rows
from catena.declaration import Dataset, Feed, Fresh, Stream, UseCase, Volume
from catena.lake import QUARANTINE, EventTable, Lake, arrow_schema, identity_of
from catena.lake.schema import ARROW_TYPES
from catena.quality.rules import implied, judge
from catena.run import Accounting, Run
from catena.sources import Delivery

# Of one event the version that became known last; two versions of one instant contradict each other, and both stay for
# the rules to see.
_NEWEST = """
    SELECT DISTINCT partition, event_id, type, schema_version, event_time, known_at, key, data FROM records
    WHERE list_contains($1, standing)
    QUALIFY known_at = max(known_at) OVER (PARTITION BY event_id)
    ORDER BY ALL
"""


class FeedMismatch(ValueError):
    """The SELECT of a feed does not give what its declaration says."""


@dataclass(frozen=True)
class Merged:
    """What a merge did.

    Attributes:
        changed: days of which a clean table has another content.
        closed: days of which events came after their file was ingested; nothing was changed for them.
    """

    changed: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """What events tell of some days: clean rows by table, what is quarantined, and the row accounting by table."""

    clean: dict[str, pa.Table]
    quarantine: pa.Table
    accounting: dict[str, Accounting]


def merging(usecase: UseCase) -> tuple[str, str]:
    """Return the name of the work that merges and reconciliations do one at a time."""
    return usecase.name, "merge"


def merge_stream(lake: Lake, usecase: UseCase, stream: Stream, run: Run) -> Merged:
    """Bring the clean tables up to the records that came since the last merge."""
    table = EventTable(lake, stream.table)
    version, days = table.unmerged()
    if not days:
        return Merged()
    records = lake.read(stream.table, days)
    _quarantine_dead_letters(lake, stream, records, days, run)
    told_of = days_told(records, "on_time", "late")
    admitted = table.days_with_late()
    changed: set[str] = set()
    closed: set[str] = set()
    for feed in stream.feeds:
        for with_late in (False, True):
            some = [day for day in told_of if (day in admitted) == with_late]
            moved, final = publish_feed(lake, usecase, (stream, feed), records, some, run=run, with_late=with_late)
            changed |= moved
            closed |= final
    table.record_merged(version, run)
    return Merged(tuple(sorted(changed)), tuple(sorted(closed)))


def days_told(records: pa.Table, *standings: str) -> list[str]:
    """Return the days of which there are records of these standings, in order."""
    found = records.filter(pc.is_in(records["standing"], pa.array(standings)))
    return sorted(pc.unique(found["partition"]).to_pylist())


def publish_feed(
    lake: Lake,
    usecase: UseCase,
    source: tuple[Stream, Feed],
    records: pa.Table,
    days: Sequence[str],
    *,
    run: Run,
    with_late: bool,
) -> tuple[set[str], set[str]]:
    """Write what events tell of days, where no file has been ingested; return the changed days and the closed ones."""
    stream, feed = source
    dataset = usecase.dataset(feed.dataset)
    finals = [lake.contents(clean.table, days, final=True) for clean in dataset.clean]
    closed = {day for day in days if all(final[day] is not None for final in finals)}
    open_days = [day for day in days if day not in closed]
    if not open_days:
        return set(), closed
    told = told_by(usecase, source, records, open_days, run=run, with_late=with_late)
    versions = {stream.table: lake.version(stream.table)}
    details = {"dataset": dataset.name, "stream": stream.name}
    lake.overwrite(
        "quarantine", told.quarantine, run=run, partitions=open_days, within={"dataset": dataset.name},
        standing="provisional", input_versions=versions, details=details,
    )  # fmt: skip
    changed: set[str] = set()
    for clean in dataset.clean:
        written = lake.overwrite(
            clean.table, told.clean[clean.table], run=run, partitions=open_days, standing="provisional",
            input_versions=versions, accounting=told.accounting[clean.table], details=details,
        )  # fmt: skip
        changed.update(written.changed_partitions)
    return changed, closed


def told_by(
    usecase: UseCase,
    source: tuple[Stream, Feed],
    records: pa.Table,
    days: Sequence[str],
    *,
    run: Run,
    with_late: bool,
) -> Told:
    """Return what events tell of days, judged by the dataset's rules.

    Args:
        usecase: the use case.
        source: the stream and the feed.
        records: rows of the stream's table.
        days: days of which rows are wanted.
        run: who asks.
        with_late: whether late events count.
    """
    stream, feed = source
    dataset = usecase.dataset(feed.dataset)
    rows = _fed_rows(usecase, feed, dataset, newest_events(records, days, with_late=with_late))
    # What holds of a whole day cannot be said while it goes on: volumes are watched by the window (`stream_health`).
    rules = implied(dataset.columns, [rule for rule in dataset.rules if not isinstance(rule, (Volume, Fresh))])
    none_passes = np.zeros(rows.num_rows, dtype=np.bool_)
    judgement = judge(rows, rules, days, trailing=lambda *_: None, released=none_passes, arrived={})
    taken = rows_taken(judgement.failures, rows.num_rows, none_passes)
    deliveries, offsets = _as_deliveries(rows, dataset, stream, days, taken)
    quarantine = quarantined_rows(dataset.name, deliveries, offsets, judgement.failures, taken=taken, run=run)
    clean: dict[str, pa.Table] = {}
    accounting: dict[str, Accounting] = {}
    for each in dataset.clean:
        is_ready = np.ones(rows.num_rows, dtype=np.bool_)
        if (column := feed.ready.get(each.table)) is not None:
            is_ready = rows[column].to_numpy()
        kept = rows.filter(pa.array(is_ready & ~taken))
        clean[each.table] = clean_rows(usecase, each.sql, kept, kept[feed.whole] if feed.whole else None)
        accounting[each.table] = Accounting(int(is_ready.sum()), kept.num_rows, int((is_ready & taken).sum()))
    return Told(clean, quarantine, accounting)


def newest_events(records: pa.Table, days: Sequence[str], *, with_late: bool) -> pa.Table:
    """Return the newest version of each event of some days, in a fixed order."""
    wanted = records.filter(pc.is_in(records["partition"], pa.array(list(days), pa.string())))
    with sql_over({"records": wanted}) as connection:
        standings = ["on_time", "late"] if with_late else ["on_time"]
        return connection.sql(_NEWEST, params=[standings]).to_arrow_table()


def _fed_rows(usecase: UseCase, feed: Feed, dataset: Dataset, events: pa.Table) -> pa.Table:
    """Return the rows of a feed, typed as the dataset declares, in a fixed order.

    Raises:
        FeedMismatch: columns are missing, or a value is of another type.
    """
    types = {
        "partition": pa.string(),
        **{column.name: ARROW_TYPES[column.type] for column in dataset.columns},
        **dict.fromkeys([*feed.ready.values(), *([feed.whole] if feed.whole else [])], pa.bool_()),
    }
    with sql_over({"events": events}) as connection:
        found = connection.sql(f"SELECT * FROM ({usecase.sql(feed.sql)}) ORDER BY ALL").to_arrow_table()  # noqa: S608
    if missing := [name for name in types if name not in found.column_names]:
        raise FeedMismatch(f"{feed.sql} does not select {missing}, which dataset {dataset.name} needs")
    try:
        return pa.table({name: found[name].cast(type_) for name, type_ in types.items()})
    except pa.ArrowException as error:
        raise FeedMismatch(f"{feed.sql}: {error}") from error


def _as_deliveries(
    rows: pa.Table, dataset: Dataset, stream: Stream, days: Sequence[str], taken: npt.NDArray[np.bool_]
) -> tuple[list[Delivery], dict[str, int]]:
    """Return the rows of each day as a delivery, and where each begins; rows are in the order of days."""
    names = [column.name for column in dataset.columns]
    deliveries: list[Delivery] = []
    offsets: dict[str, int] = {}
    keys = np.array(rows["partition"].to_pylist(), dtype=object)
    for day in sorted(days):
        first, last = np.searchsorted(keys, day, "left"), np.searchsorted(keys, day, "right")
        part = rows.slice(int(first), int(last - first)).select(names)
        offsets[day] = int(first)
        # It names the rows that are taken out; of most days there are none.
        checksum = f"{identity_of(part.to_pylist()):016x}" if taken[first:last].any() else ""
        deliveries.append(
            Delivery(day, f"stream {stream.name}", checksum, part, pa.array(range(1, part.num_rows + 1), pa.int64()))
        )
    return deliveries, offsets


def _quarantine_dead_letters(lake: Lake, stream: Stream, records: pa.Table, days: Sequence[str], run: Run) -> None:
    """Show the records that are no events in the quarantine, in the day in which the broker stored them."""
    dead = records.filter(pc.equal(records["standing"], "dead")).to_pylist()
    rows = [
        {
            "partition": row["partition"], "dataset": stream.table,
            "row_id": f"{row['log_partition']}-{row['log_offset']}-{_short(row['log'])}",
            "source_file": f"{row['log']}:{row['log_partition']}", "line_number": row["log_offset"],
            "rules": row["fault"], "reason": row["reason"], "row": row["raw"], "run_id": run.run_id,
        }
        for row in dead
    ]  # fmt: skip
    lake.overwrite(
        "quarantine", pa.Table.from_pylist(rows, schema=arrow_schema(QUARANTINE)), run=run, partitions=days,
        within={"dataset": stream.table}, details={"stream": stream.name},
    )  # fmt: skip


def _short(log: str) -> str:
    """Return what tells one incarnation of a log from another in a row id."""
    return "".join(letter for letter in log.rpartition("@")[2] if letter.isalnum())[-12:]
