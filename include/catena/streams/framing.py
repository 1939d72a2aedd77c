"""The wire format by which a message names its schema in a registry: a zero byte, the schema's id, the document.

Source: Confluent's documentation, 'Wire format' of the Schema Registry serializers. Ids in message headers, its newer
form, leave the value plain, which is read as such. Talking to the registry belongs in `catena.streams.schema_registry`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

_MAGIC = b"\x00"
_HEAD = struct.Struct(">BI")

FrameRule = Literal["frame", "unknown_schema_id"]


class Registry(Protocol):
    """What a frame needs of a schema registry."""

    def register(self, subject: str, version: int, schema: str) -> int:
        """Return the id of a schema under a subject, which is registered where it is not there yet."""

    def kind_of(self, schema_id: int) -> str | None:
        """Return the kind of schema that an id names, as JSON or AVRO; None where it names none."""


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A value whose frame leads to no schema: the rule that it breaks, and a sentence for a person."""

    rule: FrameRule
    reason: str


class Framing:
    """Puts documents into frames and takes them out, for one topic.

    What the registry said of an id is kept as long as this object: an id never means another schema.

    Args:
        registry: where schemas are registered.
        topic: name of the topic.
        schemas: JSON Schema of each event type and version.
    """

    def __init__(self, registry: Registry, topic: str, schemas: Mapping[tuple[str, int], str]) -> None:
        self._registry = registry
        self._topic = topic
        self._schemas = schemas
        self._ids: dict[tuple[str, int], int] = {}
        self._faults: dict[int, BadFrame | None] = {}

    def framed(self, event: str, version: int, document: bytes) -> bytes:
        """Return a document of an event type and version in its frame.

        The first one registers all schemas of the topic, older versions before newer ones: so a refusal comes before
        anything is published.

        Raises:
            StreamError: the registry does not answer, or refuses a schema.
        """
        if not self._ids:
            self._ids = {
                key: self._registry.register(subject_of(self._topic, key[0]), key[1], self._schemas[key])
                for key in sorted(self._schemas)
            }
        return _HEAD.pack(0, self._ids[event, version]) + document

    def document(self, value: bytes) -> bytes | BadFrame:
        """Return what is in a frame; a value without one as it is, since a topic may be older than its registry.

        Raises:
            StreamError: the registry does not answer, so that nobody knows whether the value is good.
        """
        if not value.startswith(_MAGIC):
            return value
        if len(value) < _HEAD.size:
            return BadFrame("frame", f"a frame begins with {_HEAD.size} bytes, this value has {len(value)}")
        _, schema_id = _HEAD.unpack_from(value)
        if schema_id not in self._faults:
            self._faults[schema_id] = _fault(schema_id, self._registry.kind_of(schema_id))
        return self._faults[schema_id] or value[_HEAD.size :]


def subject_of(topic: str, event: str) -> str:
    """Return the subject of an event type: a topic carries several, so the topic's name alone would not do.

    Confluent calls this TopicRecordNameStrategy; the record's name is the schema's `title`.
    """
    return f"{topic}-{event}"


def _fault(schema_id: int, kind: str | None) -> BadFrame | None:
    if kind is None:
        return BadFrame("unknown_schema_id", f"the schema registry knows no schema {schema_id}")
    if kind != "JSON":
        return BadFrame("unknown_schema_id", f"schema {schema_id} of the registry is of kind {kind}, not JSON")
    return None
