"""Features on demand use what the streams have told so far: fresher weather as soon as it is known, never sooner."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest

from catena.chain.featuring.features import build_features
from catena.lake import arrow_schema
from catena.partitions import start_of
from catena.run import Run
from usecases.flight_delays.history import history

# The calendar's first day: nothing before it is waited for.
DAY = "2013-01-01"
FEATURES = Run("flight_delays", "features", "on-demand", code_version="test")


@pytest.fixture
def planes(listed):
    """The register of aircraft, without which no features are made."""
    row = {"tailnum": "N1", "built_year": 2003, "seats": 100}
    rows = pa.Table.from_pylist([row], schema=arrow_schema(listed.lake.tables["planes"]))
    listed.lake.overwrite("planes", rows, run=FEATURES)


@pytest.mark.usefixtures("planes")
def test_streamed_weather_is_seen_as_soon_as_it_is_known(plain, usecase, listed):
    """Two hours before an 18:00 departure the weather of 15:00 is known; a drain an hour earlier ends with 14:00.

    The question is asked at 17:00, so that the ages are 120 and 180 minutes; the whole day makes it 60.
    """
    told = list(history(DAY, DAY))
    departure = start_of(DAY) + timedelta(hours=18)
    ages = []
    for until in (departure - timedelta(hours=3), departure - timedelta(hours=2), departure + timedelta(days=2)):
        known = [event for event in told if event.known_at <= until]
        for stream in usecase.streams:
            names = {event.name for event in stream.events}
            listed.tell(stream.name, [event for event in known if event.type in names])
        assert build_features(plain, usecase, DAY, FEATURES).status == "published"
        features = listed.lake.read("features", [DAY]).to_pylist()
        asked = [row for row in features if row["decision_at"] == departure - timedelta(hours=1)]
        assert len(asked) > 2
        ages.append({row["weather_age_min"] for row in asked})
    assert ages == [{180}, {120}, {60}]
