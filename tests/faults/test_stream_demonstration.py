"""What `catena demo --stream` shows, with a faster clock: events with faults, killed drains, and the batch load."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from catena.declared import declared_usecase
from catena.platform import processes
from catena.platform.errors import PlatformError
from catena.platform.stream_demonstration import FOLDER, demonstrate
from catena.settings import Settings

pytestmark = pytest.mark.faults
DAY = "2013-01-01"


@pytest.fixture
def settings():
    # Not below pytest's own folder: as root the server is another user, whom that lets not in.
    with tempfile.TemporaryDirectory(prefix="catena-tests-") as home:
        yield Settings(_env_file=None, home=Path(home))


def test_killed_drains_of_a_faulty_stream_end_as_the_files(settings):
    """Each record lands once, whatever was killed, and the tables equal a lake that never heard of a stream."""
    shown = demonstrate(settings, declared_usecase("flight_delays"), DAY, DAY, speed=20_000)
    assert shown.is_equal
    assert shown.kills >= 3
    assert {kind for kind, count in shown.sent.items() if count} == {"event", "late", "duplicate", "corrupt"}
    flights, weather = shown.streams
    assert (flights.events, weather.events) == (2522, 67)
    assert min(flights.duplicates, flights.late, flights.dead) > 0
    assert {table.table: table.rows for table in shown.tables} == {"schedule": 842, "outcomes": 842, "weather": 67}
    own = settings.model_copy(update={"home": settings.home / FOLDER})
    assert not processes.running(own)
    assert not processes.orphans(own)


def test_a_second_demonstration_waits_for_nobody(settings, monkeypatch):
    """Two in one home would destroy each other's lake: the second is refused at once, by name."""
    from catena.platform import installation

    def another(own):
        with pytest.raises(PlatformError, match="another demonstration of streams runs"):
            demonstrate(settings, declared_usecase("flight_delays"), DAY, DAY, speed=0)
        raise PlatformError("seen")

    monkeypatch.setattr(installation, "start_postgres", another)
    with pytest.raises(PlatformError, match="seen"):
        demonstrate(settings, declared_usecase("flight_delays"), DAY, DAY, speed=0)
