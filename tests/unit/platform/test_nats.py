"""The embedded broker as a part of the installation."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from catena.platform import installation, nats, processes
from catena.platform.errors import PortTaken
from catena.platform.ports import check_ports
from catena.settings import Settings


def test_the_broker_is_a_component_that_starts_stops_and_is_seen(tmp_path: Path) -> None:
    """Started it is healthy, stopped it is gone, started again it is the same server with the same files and token."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    settings = Settings(_env_file=None, home=tmp_path, nats_port=port)
    token = None
    for _ in range(2):
        installation.start_nats(settings)
        state = {part.name: part for part in installation.status(settings)}
        assert (state["nats"].is_running, state["nats"].is_healthy) == (True, True)
        assert not state["postgres"].is_running
        token = token or (tmp_path / "secrets" / "nats_token").read_text()
        assert installation.down(settings) == ["nats"]
        assert processes.running(settings) == {}
        assert not nats.is_ready(settings)
    assert (tmp_path / "secrets" / "nats_token").read_text() == token


@pytest.mark.parametrize(
    ("changes", "is_ours"),
    [
        ({}, True),
        ({"broker_url": "nats://elsewhere:4222"}, False),
        ({"broker": "kafka", "broker_url": "elsewhere:9092"}, False),
    ],
)
def test_a_broker_of_ones_own_is_not_started(tmp_path: Path, changes: dict[str, str], is_ours: bool) -> None:
    """Where a deployment names its broker, the installation neither starts nor watches one."""
    settings = Settings(_env_file=None, home=tmp_path, **changes)
    assert ("nats" in installation.expected_components(settings)) is is_ours


def test_a_taken_port_is_told_with_its_setting(tmp_path: Path) -> None:
    """Before anything starts, the message names the port and the variable that changes it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        settings = Settings(_env_file=None, home=tmp_path, nats_port=port)
        with pytest.raises(PortTaken, match=rf"nats cannot listen on 127\.0\.0\.1:{port} .*CATENA_NATS_PORT"):
            check_ports(settings, ["nats"])
