"""From the records of a log to rows of its table: events, on time or late, and dead letters with what is wrong.

Reading and committing them belongs in `catena.chain.streaming.landing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from catena.declaration import Calendar, Stream
from catena.partitions import DAY, day_key
from catena.streams.codec import Codec, Facts, Fault
from catena.streams.port import Batch, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# One form for one meaning, so that copies of an event are known as such whatever their producer's spelling.
_WRITER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True)
class Decoder:
    """What turns records into rows."""

    codec: Codec
    stream: Stream
    calendar: Calendar

    def day_of(self, facts: Facts) -> str | None:
        """Return the day to which an event belongs, None where it names none within the calendar."""
        day = facts.document["data"].get(self.stream.day)
        if not isinstance(day, str) or not DAY.fullmatch(day) or not self.calendar.holds(day):
            return None
        return day

    @property
    def no_day(self) -> str:
        """What is wrong with an event without such a day, for a person."""
        return f"data.{self.stream.day} names no day from {self.calendar.first} to {self.calendar.last or 'today'}"

    def ahead(self, facts: Facts, record: Record) -> str:
        """What is wrong with an event that claims to become known later after its storage than the stream allows."""
        return (
            f"known_at {facts.known_at.isoformat()} lies more than {self.stream.ahead_minutes:g} min after "
            f"{record.stored_at.isoformat()}, when the broker stored it"
        )


def rows_of(
    batch: Batch, source: str, decoder: Decoder, schema: pa.Schema, watermark: int | None
) -> tuple[pa.Table, int | None]:
    """Return the rows of a batch, in the order of offsets, and the watermark after it.

    Whether an event is late depends on the records before it in its log partition alone, not on how they were cut into
    batches or on when they are read: so two runs over one log agree.

    Args:
        batch: what was read.
        source: name of the log partition.
        decoder: what turns records into rows.
        schema: of the events table.
        watermark: latest time of becoming known before the batch, microseconds since 1970.
    """
    allowed = int(decoder.stream.allowed_lateness_hours * 3_600_000_000)
    ahead = int(decoder.stream.ahead_minutes * 60_000_000)
    told: list[_Told] = []
    dead: list[dict[str, Any]] = []
    for record in batch.records:
        found = decoder.codec.facts(record.value)
        if isinstance(found, Fault):
            dead.append(_dead(record, found.rule, found.reason))
            continue
        known, stored = _microseconds(found.known_at), _microseconds(record.stored_at)
        if (day := decoder.day_of(found)) is None:
            dead.append(_dead(record, "day", decoder.no_day))
        elif known - stored > ahead:
            dead.append(_dead(record, "from_the_future", decoder.ahead(found, record)))
        else:
            is_late = watermark is not None and known < watermark - allowed
            # A clock that is ahead makes no other event late.
            reached = min(known, stored)
            watermark = reached if watermark is None else max(watermark, reached)
            told.append(_Told(record, found, day, "late" if is_late else "on_time", known, stored))
    common = {"log": source.rpartition(":")[0], "landed_at": datetime.now(UTC)}
    rows = _rows_of_events(told, common, schema)
    if dead:
        broken = pa.Table.from_pylist([row | common for row in dead], schema=schema)
        rows = pa.concat_tables([rows, broken]).sort_by("log_offset")
    return rows, watermark


class _Told(NamedTuple):
    """An event on its way into the table; times in microseconds since 1970."""

    record: Record
    facts: Facts
    day: str
    standing: str
    known_at: int
    stored_at: int


def _rows_of_events(told: Sequence[_Told], common: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Return the rows of events, built by column: by row it would take three times as long."""
    documents = [each.facts.document for each in told]
    columns: dict[str, Sequence[Any]] = {
        "partition": [each.day for each in told],
        "log_partition": [each.record.partition for each in told],
        "log_offset": [each.record.offset for each in told],
        "standing": [each.standing for each in told],
        "event_id": [document["event_id"] for document in documents],
        "type": [document["type"] for document in documents],
        "key": [document["key"] for document in documents],
        "data": [_WRITER.encode(document["data"]).decode() for document in documents],
        "schema_version": [document["schema_version"] for document in documents],
        "event_time": [_microseconds(each.facts.event_time) for each in told],
        "known_at": [each.known_at for each in told],
        "stored_at": [each.stored_at for each in told],
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(common.get(field.name), field.type), len(told))
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _dead(record: Record, rule: str, reason: str) -> dict[str, Any]:
    return {
        "partition": day_key(record.stored_at.date()), "log_partition": record.partition, "log_offset": record.offset,
        "stored_at": record.stored_at, "standing": "dead", "key": record.key, "fault": rule, "reason": reason,
        "raw": record.value.decode("ascii", errors="backslashreplace").replace("\x00", "\\x00"),
    }  # fmt: skip


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
