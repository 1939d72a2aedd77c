"""From the records of a log to rows of its table: events, on time or late, and dead letters with what is wrong.

Reading and committing them belongs in `catena.chain.stream_landing`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa

from catena.declaration import Calendar, Stream
from catena.partitions import DAY, day_key
from catena.streams.codec import Codec, DeadLetter
from catena.streams.event import Event
from catena.streams.port import Batch, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# One form for one meaning, so that copies of an event are known as such whatever their producer's spelling.
_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Decoder:
    """What turns records into rows."""

    codec: Codec
    stream: Stream
    calendar: Calendar

    def day_of(self, event: Event) -> str | None:
        """Return the day to which an event belongs, None where it names none within the calendar."""
        day = event.data.get(self.stream.day)
        if not isinstance(day, str) or not DAY.fullmatch(day) or not self.calendar.holds(day):
            return None
        return day

    def is_ahead(self, event: Event, record: Record) -> bool:
        """Return whether an event claims to become known later after its storage than the stream allows."""
        return event.known_at - record.stored_at > timedelta(minutes=self.stream.ahead_minutes)

    def fault(self, event: Event, record: Record) -> tuple[str, str]:
        """Return the rule that takes an event out, and what is wrong with it."""
        if self.day_of(event) is None:
            first, last = self.calendar.first, self.calendar.last or "today"
            return "day", f"data.{self.stream.day} names no day from {first} to {last}"
        return "from_the_future", (
            f"known_at {event.known_at.isoformat()} lies more than {self.stream.ahead_minutes:g} min after "
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
    decoded = decoder.codec.decode(batch.records)
    events = {record.offset: event for record, event in decoded.events}
    letters = {letter.offset: letter for letter in decoded.dead_letters}
    allowed = int(decoder.stream.allowed_lateness_hours * 3_600_000_000)
    told: list[_Told] = []
    dead: list[dict[str, Any]] = []
    for record in batch.records:
        event = events.get(record.offset)
        day = None if event is None else decoder.day_of(event)
        if event is None or day is None or decoder.is_ahead(event, record):
            dead.append(_dead(record, event, letters.get(record.offset), decoder))
            continue
        known = _microseconds(event.known_at)
        is_late = watermark is not None and known < watermark - allowed
        # A clock that is ahead makes no other event late.
        reached = min(known, _microseconds(record.stored_at))
        watermark = reached if watermark is None else max(watermark, reached)
        told.append(_Told(record, event, day, "late" if is_late else "on_time", known))
    common = {"log": source.rpartition(":")[0], "landed_at": datetime.now(UTC)}
    rows = _rows_of_events(told, common, schema)
    if dead:
        broken = pa.Table.from_pylist([row | common for row in dead], schema=schema)
        rows = pa.concat_tables([rows, broken]).sort_by("log_offset")
    return rows, watermark


class _Told(NamedTuple):
    """An event on its way into the table."""

    record: Record
    event: Event
    day: str
    standing: str
    known_at: int


def _rows_of_events(told: Sequence[_Told], common: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """Return the rows of events, built by column: by row it would take three times as long."""
    columns: dict[str, Sequence[Any]] = {
        "partition": [each.day for each in told],
        "log_partition": [each.record.partition for each in told],
        "log_offset": [each.record.offset for each in told],
        "standing": [each.standing for each in told],
        "event_id": [each.event.event_id for each in told],
        "type": [each.event.type for each in told],
        "key": [each.event.key for each in told],
        "data": [_WRITER.encode(each.event.data) for each in told],
        "schema_version": [each.event.schema_version for each in told],
        "event_time": [_microseconds(each.event.event_time) for each in told],
        "known_at": [each.known_at for each in told],
        "stored_at": [_microseconds(each.record.stored_at) for each in told],
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(common.get(field.name), field.type), len(told))
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _dead(record: Record, event: Event | None, letter: DeadLetter | None, decoder: Decoder) -> dict[str, Any]:
    if event is not None:
        rule, reason = decoder.fault(event, record)
    elif letter is not None:
        rule, reason = letter.rule, letter.reason
    else:
        raise RuntimeError(f"offset {record.offset} is neither an event nor a dead letter")
    return {
        "partition": day_key(record.stored_at.date()), "log_partition": record.partition, "log_offset": record.offset,
        "stored_at": record.stored_at, "standing": "dead", "key": record.key, "fault": rule, "reason": reason,
        "raw": record.value.decode("ascii", errors="backslashreplace").replace("\x00", "\\x00"),
    }  # fmt: skip


def _microseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
