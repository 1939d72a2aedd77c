"""Streams: event logs of a broker, the events in them, and their replay from history.

What becomes of the events in the lake belongs to the links after this one. The adapters are imported by
`catena.streams.connect` alone, so that nobody loads a broker's client without using it.
"""

from catena.streams.codec import Codec, DeadLetter, Decoded, InvalidEvent
from catena.streams.connect import open_codec, open_log
from catena.streams.errors import (
    BrokerNotReady,
    BrokerUnreachable,
    LogMisconfigured,
    OffsetAhead,
    OffsetGone,
    PublishRefused,
    RegistryRefused,
    RegistryUnreachable,
    SchemaIncompatible,
    SequenceGap,
    StreamError,
    UnknownLog,
)
from catena.streams.event import Event
from catena.streams.port import Batch, EventLog, Message, Position, Record, partition_of

__all__ = [
    "Batch",
    "BrokerNotReady",
    "BrokerUnreachable",
    "Codec",
    "DeadLetter",
    "Decoded",
    "Event",
    "EventLog",
    "InvalidEvent",
    "LogMisconfigured",
    "Message",
    "OffsetAhead",
    "OffsetGone",
    "Position",
    "PublishRefused",
    "Record",
    "RegistryRefused",
    "RegistryUnreachable",
    "SchemaIncompatible",
    "SequenceGap",
    "StreamError",
    "UnknownLog",
    "open_codec",
    "open_log",
    "partition_of",
]
