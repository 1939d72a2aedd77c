"""Whether the ports that an installation needs are free, asked before anything is started.

Which port a component has is a setting.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from catena.platform.errors import PortTaken
from catena.settings import Settings


def check_ports(settings: Settings, names: Iterable[str]) -> None:
    """Raise PortTaken where another program listens on the port of one of these components."""
    ports = {
        "postgres": ("CATENA_POSTGRES_PORT", "127.0.0.1", settings.postgres_port),
        "nats": ("CATENA_NATS_PORT", "127.0.0.1", settings.nats_port),
        "mlflow": ("CATENA_MLFLOW_PORT", settings.host, settings.mlflow_port),
        "api-server": ("CATENA_API_PORT", settings.host, settings.api_port),
    }
    for name in names:
        if name not in ports:
            continue
        variable, host, port = ports[name]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise PortTaken(
                    f"{name} cannot listen on {host}:{port} ({error.strerror}). Choose another port by {variable}, "
                    f"in the environment or in .env; or stop the program that has it."
                ) from error
