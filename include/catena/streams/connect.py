"""Opens the log of a stream at the broker that the settings name, and the codec of its events.

Starting the embedded broker belongs in `catena.platform.nats`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from catena.declaration import Stream, UseCase
from catena.settings import Settings
from catena.streams.codec import Codec, schemas_of
from catena.streams.errors import BrokerNotReady, LogMisconfigured
from catena.streams.framing import Framing
from catena.streams.port import EventLog

TOKEN_FILE = "secrets/nats_token"  # noqa: S105 - where it is, not what it is


def open_log(settings: Settings, usecase: str, stream: Stream) -> EventLog:
    """Return the log of a stream, connected; the caller closes it.

    Raises:
        BrokerNotReady: no broker is configured and the embedded one was never started.
        BrokerUnreachable: it does not answer.
        LogMisconfigured: the broker's log, or the setting, is not what is declared.
    """
    name = f"{usecase}.{stream.name}"
    if settings.broker == "kafka":
        from catena.streams.kafka import KafkaLog

        if settings.broker_url is None:
            raise LogMisconfigured(name, "Kafka has no address.", "Set CATENA_BROKER_URL to its bootstrap servers.")
        return KafkaLog(settings.broker_url, name, stream.partitions, _broker_options(settings, name))
    from catena.streams.jetstream import JetStreamLog

    retention = timedelta(days=stream.retention_days)
    if settings.broker_url is not None:
        return JetStreamLog(settings.broker_url, name, stream.partitions, retention, _broker_options(settings, name))
    url = f"nats://127.0.0.1:{settings.nats_port}"
    return JetStreamLog(url, name, stream.partitions, retention, {"token": _token(settings, name)})


def open_codec(settings: Settings, usecase: UseCase, stream: Stream) -> Codec:
    """Return what writes and reads the events of a stream, with the schema registry where the settings name one.

    Raises:
        LogMisconfigured: the registry's settings cannot be used, or the broker has none.
    """
    if settings.schema_registry_url is None:
        return Codec(stream, usecase.folder)
    name = f"{usecase.name}.{stream.name}"
    if settings.broker != "kafka":
        advice = "Set CATENA_BROKER=kafka, or unset CATENA_SCHEMA_REGISTRY_URL."
        raise LogMisconfigured(name, f"a schema registry is for Kafka, the broker is {settings.broker}.", advice)
    from catena.streams.schema_registry import SchemaRegistry

    file = settings.schema_registry_credentials
    options = _options_of(file, name, "CATENA_SCHEMA_REGISTRY_CREDENTIALS")
    registry = SchemaRegistry(name, settings.schema_registry_url, options)
    schemas = {key: json.dumps(schema) for key, schema in schemas_of(stream, usecase.folder).items()}
    return Codec(stream, usecase.folder, Framing(registry, name, schemas))


def _token(settings: Settings, name: str) -> str:
    file = settings.home / TOKEN_FILE
    if not file.exists():
        raise BrokerNotReady(name, f"no broker: {file} is missing.", "Run `catena up`, or set CATENA_BROKER_URL.")
    return file.read_text(encoding="utf-8").strip()


def _broker_options(settings: Settings, name: str) -> dict[str, Any]:
    return _options_of(settings.broker_credentials, name, "CATENA_BROKER_CREDENTIALS")


def _options_of(file: Path | None, name: str, setting: str) -> dict[str, Any]:
    if file is None:
        return {}
    advice = f"{setting} names a JSON file with one object of options."
    try:
        options = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(options, dict):
            raise TypeError
    except (OSError, TypeError, ValueError) as error:
        # The content is secret: only the kind of error is told.
        raise LogMisconfigured(name, f"{file} cannot be read ({type(error).__name__}).", advice) from None
    return options
