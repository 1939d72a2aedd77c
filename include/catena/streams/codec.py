"""Events as JSON, held to the JSON Schema that the use case declares for their type and version.

Writing is strict: what breaks its schema is a defect of the producer and raises. Reading never raises for what it
reads: whatever lies in a log is an event or a dead letter. Where dead letters are kept belongs to the links after this
one, and how a message names its schema in a registry in `catena.streams.framing`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

import jsonschema_rs
import msgspec

from catena.declaration import Stream
from catena.streams.event import Event
from catena.streams.framing import BadFrame, FrameRule, Framing
from catena.streams.port import Record

Rule = Literal["unparseable", "no_event", "unknown_type", "unknown_version", "schema"] | FrameRule
# A reason is read by a person, beside the raw bytes: a whole document in it helps nobody.
_REASON_LENGTH = 300


class InvalidEvent(ValueError):
    """An event that is to be written breaks its own schema, or has none."""


class Fault(NamedTuple):
    """What is wrong with bytes that are no event."""

    rule: Rule
    reason: str


class Facts(NamedTuple):
    """A document that its schema allows, with its times (UTC): what an Event says, before one is made of it."""

    document: dict[str, Any]
    event_time: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is no event.

    Attributes:
        partition: partition of the log in which it lies.
        offset: its place.
        rule: short name of what is wrong.
        reason: one sentence for a person.
        raw: the record's bytes, untouched.
    """

    partition: int
    offset: int
    rule: Rule
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch held: each record is in exactly one of the two."""

    events: tuple[tuple[Record, Event], ...]
    dead_letters: tuple[DeadLetter, ...]


class Codec:
    """Writes and reads the events of one stream.

    Args:
        stream: the declared stream; events of other streams are unknown here.
        folder: the use case's folder; the schemas lie in its `events/`.
        framing: how messages name their schema in a registry; without one they are plain JSON.
    """

    def __init__(self, stream: Stream, folder: Path, framing: Framing | None = None) -> None:
        self._stream = stream.name
        self._framing = framing
        self._validators: dict[str, dict[int, jsonschema_rs.Draft202012Validator]] = {}
        for (name, version), schema in schemas_of(stream, folder).items():
            # Without the second argument `date-time` would be a remark, not a rule.
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            self._validators.setdefault(name, {})[version] = validator

    def encode(self, event: Event) -> bytes:
        """Return an event as JSON, the same bytes for the same event.

        Raises:
            InvalidEvent: it breaks the schema of its type and version, or there is none.
            StreamError: the schema registry does not answer, or refuses a schema.
        """
        document = {
            "type": event.type,
            "schema_version": event.schema_version,
            "event_id": event.event_id,
            "event_time": _text(event.event_time),
            "known_at": _text(event.known_at),
            "key": event.key,
            "data": event.data,
        }
        wrong = self._fault(document)
        if wrong is not None:
            raise InvalidEvent(f"event {event.event_id} of stream {self._stream}: {wrong.rule}: {wrong.reason}")
        value = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        return value if self._framing is None else self._framing.framed(event.type, event.schema_version, value)

    def decode(self, records: Iterable[Record]) -> Decoded:
        """Return the events and the dead letters among records, each in order. Never raises on what it reads.

        Raises:
            StreamError: the schema registry does not answer, so that nobody knows whether the records are good.
        """
        events: list[tuple[Record, Event]] = []
        dead: list[DeadLetter] = []
        for record in records:
            found = self.facts(record.value)
            if isinstance(found, Facts):
                events.append((record, _event(found)))
            else:
                dead.append(DeadLetter(record.partition, record.offset, found.rule, found.reason, record.value))
        return Decoded(tuple(events), tuple(dead))

    def facts(self, value: bytes) -> Facts | Fault:
        """Return what the bytes of one record say, or why they are no event. Never raises on what it reads.

        Raises:
            StreamError: the schema registry does not answer, so that nobody knows whether the record is good.
        """
        text = value if self._framing is None else self._framing.document(value)
        if isinstance(text, BadFrame):
            return Fault(text.rule, text.reason[:_REASON_LENGTH])
        document = _document(text)
        wrong = document if isinstance(document, Fault) else self._fault(document)
        if wrong is not None:
            return Fault(wrong.rule, wrong.reason[:_REASON_LENGTH])
        try:
            return Facts(document, _time(document["event_time"]), _time(document["known_at"]))
        except (ValueError, OverflowError) as error:
            # A leap second is a time to the schema's format, but not to the tables; nor is the year 0 or 10000 in UTC.
            return Fault("schema", f"a time cannot be kept: {error}")

    def _fault(self, document: Any) -> Fault | None:
        if not isinstance(document, dict):
            return Fault("no_event", f"it is JSON, but no object: {type(document).__name__}")
        name, version = document.get("type"), document.get("schema_version")
        versions = self._validators.get(name) if isinstance(name, str) else None
        if versions is None:
            return Fault("unknown_type", f"stream {self._stream} declares no event {name!r}")
        # True is 1 to a dictionary.
        validator = versions.get(version) if type(version) is int else None
        if validator is None:
            return Fault("unknown_version", f"{name} has no version {version!r}; declared are {sorted(versions)}")
        if validator.is_valid(document):
            return None
        error = next(validator.iter_errors(document))
        place = "/".join(str(part) for part in error.instance_path) or "the event"
        return Fault("schema", f"{place}: {error.message}")


def _document(value: bytes) -> Any:
    """Return the value that JSON text holds, or the fault that it is none.

    The quick reader takes nothing that the strict one refuses, and gives the same values. What it refuses is read
    again: the strict one alone says why.
    """
    try:
        return _QUICK.decode(value)
    except (ValueError, RecursionError):
        return _strict_document(value)


def _strict_document(value: bytes) -> Any:
    try:
        document = _READER.decode(value.decode("utf-8"))
        # What UTF-8 cannot carry, half a surrogate pair, would break whoever writes it next.
        if b"\\u" in value:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except ValueError as error:
        return Fault("unparseable", f"{type(error).__name__}: {error}")
    except RecursionError:
        return Fault("unparseable", "it is nested too deeply")
    return document


def _event(facts: Facts) -> Event:
    document = facts.document
    return Event(
        type=document["type"],
        schema_version=document["schema_version"],
        event_id=document["event_id"],
        event_time=facts.event_time,
        known_at=facts.known_at,
        key=document["key"],
        data=document["data"],
    )


def schemas_of(stream: Stream, folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the JSON Schema of each declared event type and version."""
    return {
        (event.name, event.version): json.loads((folder / "events" / event.schema_file).read_text(encoding="utf-8"))
        for event in stream.events
    }


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:40]} is beyond the range of numbers")
    return number


_QUICK = msgspec.json.Decoder()
# Made once: `json.loads` with an argument makes one for each event, which costs more than the reading.
_READER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
