"""Opens the log of a stream at the broker that the settings name.

Starting the embedded broker belongs in `catena.platform.nats`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from catena.declaration import Stream
from catena.settings import Settings
from catena.streams.errors import BrokerNotReady, LogMisconfigured
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
        return KafkaLog(settings.broker_url, name, stream.partitions, _credentials(settings, name))
    from catena.streams.jetstream import JetStreamLog

    retention = timedelta(days=stream.retention_days)
    if settings.broker_url is not None:
        return JetStreamLog(settings.broker_url, name, stream.partitions, retention, _credentials(settings, name))
    url = f"nats://127.0.0.1:{settings.nats_port}"
    return JetStreamLog(url, name, stream.partitions, retention, {"token": _token(settings, name)})


def _token(settings: Settings, name: str) -> str:
    file = settings.home / TOKEN_FILE
    if not file.exists():
        raise BrokerNotReady(name, f"no broker: {file} is missing.", "Run `catena up`, or set CATENA_BROKER_URL.")
    return file.read_text(encoding="utf-8").strip()


def _credentials(settings: Settings, name: str) -> dict[str, Any]:
    file = settings.broker_credentials
    if file is None:
        return {}
    advice = "CATENA_BROKER_CREDENTIALS names a JSON file with one object of options."
    try:
        options = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(options, dict):
            raise TypeError
    except (OSError, TypeError, ValueError) as error:
        # The content is secret: only the kind of error is told.
        raise LogMisconfigured(name, f"{file} cannot be read ({type(error).__name__}).", advice) from None
    return options
