"""The tables that keep the records of event logs: an append and the log's next offset are one commit.

What a record means belongs in `catena.streams`; what becomes of it, in `catena.chain.streaming.stream`.
Source of the protocol: Delta's transaction identifiers, by which two commits of one application at one position
cannot both succeed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import Transaction
from deltalake.exceptions import TableNotFoundError

from catena.lake.commit import append_rows, commit_metadata
from catena.lake.files import files_of
from catena.lake.lake import Lake
from catena.lake.schema import arrow_schema, conform
from catena.run import Run

_MERGED = "merged"
_LATE = "late/"
_ANNOUNCED = "announced/"


@dataclass(frozen=True)
class Position:
    """How far a partition of a log is in its table.

    Attributes:
        next_offset: the first offset that is not there, None where nothing of this log was ever read.
        watermark: the latest time at which an event of it became known, microseconds since 1970, None where none is.
    """

    next_offset: int | None
    watermark: int | None


class EventTable:
    """The table of one stream.

    Args:
        lake: the use case's lake.
        name: table.
    """

    def __init__(self, lake: Lake, name: str) -> None:
        self._lake = lake
        self._name = name

    def positions(self, logs: list[str]) -> dict[str, Position]:
        """Return the position of each of these partitions of logs, as one version of the table has them."""
        log = self._lake.log(self._name)
        known = {} if log is None else log.transactions
        return {each: Position(known.get(f"offset/{each}"), known.get(f"watermark/{each}")) for each in logs}

    def known_logs(self) -> list[str]:
        """Return the partitions of logs that were ever read, as `<name>@<incarnation>:<partition>`."""
        log = self._lake.log(self._name)
        names = () if log is None else log.transactions
        return sorted(name.removeprefix("offset/") for name in names if name.startswith("offset/"))

    def append(self, rows: pa.Table, run: Run, log: str, expected: int | None, position: Position) -> bool:
        """Append a batch and move on, in one commit.

        Args:
            rows: in the declared columns.
            run: who writes.
            log: partition of a log.
            expected: the offset at which the batch was read.
            position: where the log stands with the batch.

        Returns:
            False where somebody else moved the log since: the batch is to be thrown away and the position read again.
        """
        table = self._lake.tables[self._name]
        before = self._lake.made_log(self._name)
        if before.transactions.get(f"offset/{log}") != expected or position.next_offset is None:
            return False
        moved = [Transaction(f"offset/{log}", position.next_offset)]
        if position.watermark is not None:
            moved.append(Transaction(f"watermark/{log}", position.watermark))
        keys = sorted(rows["partition"].unique().to_pylist())
        details = {"log": log, "from_offset": expected, "next_offset": position.next_offset}
        delta = self._lake.open_checked(self._name, before.version)
        return append_rows(delta, conform(rows, table), commit_metadata(run, keys, details=details), moved)

    def skip(self, run: Run, log: str, expected: int | None, next_offset: int, reason: str) -> bool:
        """Move a log on without records, in one commit: the broker no longer holds them, or nobody asked for them.

        Args:
            run: who decides.
            log: partition of a log.
            expected: the offset at which it stood, None where it was never read.
            next_offset: the offset at which it goes on.
            reason: why records are left out.

        Returns:
            False where somebody else moved the log since.
        """
        before = self._lake.made_log(self._name)
        if before.transactions.get(f"offset/{log}") != expected:
            return False
        details = {"log": log, "from_offset": expected, "next_offset": next_offset, "accepted_gap": reason}
        delta = self._lake.open_checked(self._name, before.version)
        moved = [Transaction(f"offset/{log}", next_offset)]
        return append_rows(delta, self._lake.read(self._name, []), commit_metadata(run, [], details=details), moved)

    def as_of(self, version: int, days: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """Return the records of days that a version held, as the current one has them.

        The files of an old version are deleted by the upkeep, but records never change and never go: they are told
        apart by how far that version was in each log.

        Args:
            version: of the table, pinned by whoever cites the records.
            days: partitions of the table.
            columns: columns to read.
        """
        place = ["log", "log_partition", "log_offset"]
        rows = self._lake.read(self._name, days, columns=[*columns, *(name for name in place if name not in columns)])
        then = self._lake.open(self._name, version)
        held = pa.array([False] * rows.num_rows, pa.bool_())
        for source in self.known_logs():
            reached = then.transaction_version(f"offset/{source}")
            if reached is None:
                continue
            log, _, partition = source.rpartition(":")
            of_source = pc.and_(pc.equal(rows["log"], log), pc.equal(rows["log_partition"], int(partition)))
            held = pc.or_(held, pc.and_(of_source, pc.less(rows["log_offset"], reached)))
        return rows.filter(held).select(list(columns))

    def newest(self, commits: int, columns: Sequence[str]) -> pa.Table:
        """Return columns of the records that the newest commits brought; files that hold only older ones stay shut."""
        try:
            delta = self._lake.open(self._name)
        except TableNotFoundError:
            return arrow_schema(self._lake.tables[self._name]).empty_table().select(list(columns))
        history = delta.history(commits + 1)
        keys = {day for entry in history[:commits] for day in json.loads(entry.get("catena.partitions", "[]"))}
        files = files_of(delta, sorted(keys) or None)
        since = history[commits].get("catena.committed_at") if len(history) > commits else None
        newer = None if since is None else pc.field("landed_at") > pa.scalar(datetime.fromisoformat(since))
        return files.to_table(columns=list(columns), filter=newer)

    def count(self, standing: str) -> int:
        """Return how many records are late, or dead; files without any stay shut."""
        try:
            files = files_of(self._lake.open(self._name))
        except TableNotFoundError:
            return 0
        return int(files.count_rows(filter=pc.field("standing") == standing))

    def unmerged(self) -> tuple[int, list[str]]:
        """Return the current version, and the days of which records came since the version that was last merged."""
        log = self._lake.log(self._name)
        if log is None:
            return -1, []
        merged = log.transactions.get(_MERGED)
        if merged is None:
            return log.version, self._lake.partitions(self._name)
        since = log.version - merged
        commits = self._lake.open(self._name, log.version).history(since) if since > 0 else []
        return log.version, sorted(
            {day for entry in commits for day in json.loads(entry.get("catena.partitions", "[]"))}
        )

    def record_merged(self, version: int, run: Run) -> None:
        """Record up to which version the clean tables hold the records; where this fails, days are merged once more."""
        log = self._lake.made_log(self._name)
        empty = self._lake.read(self._name, [])
        # Not the version of this very commit: somebody may land records just before it, and they would be passed over.
        now = [Transaction(_MERGED, version)]
        append_rows(self._lake.open(self._name, log.version), empty, commit_metadata(run, []), now)

    def announced(self) -> dict[str, int]:
        """Return, by clean table, the version up to which downstream has heard of what the stream changed in it."""
        log = self._lake.log(self._name)
        known = {} if log is None else log.transactions
        return {name.removeprefix(_ANNOUNCED): at for name, at in known.items() if name.startswith(_ANNOUNCED)}

    def record_announced(self, versions: Mapping[str, int], run: Run) -> None:
        """Record up to which versions downstream has heard; where this fails, it hears of them once more."""
        log, empty = self._lake.made_log(self._name), self._lake.read(self._name, [])
        heard = [Transaction(f"{_ANNOUNCED}{table}", version) for table, version in versions.items()]
        append_rows(self._lake.open(self._name, log.version), empty, commit_metadata(run, []), heard)

    def days_with_late(self) -> set[str]:
        """Return the days of which late events count."""
        log = self._lake.log(self._name)
        names = () if log is None else log.transactions
        return {name.removeprefix(_LATE) for name in names if name.startswith(_LATE)}

    def admit_late(self, days: Sequence[str], run: Run) -> None:
        """Record that late events of these days count from now on."""
        new = sorted(set(days) - self.days_with_late())
        if not new:
            return
        log, empty = self._lake.made_log(self._name), self._lake.read(self._name, [])
        admitted = [Transaction(f"{_LATE}{day}", 1) for day in new]
        append_rows(self._lake.open(self._name, log.version), empty, commit_metadata(run, []), admitted)
