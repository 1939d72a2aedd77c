"""An hour of a stream that tells too little or too much is noted, once, and taken back when the rest has come."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest

from catena.chain.streaming.stream import drain_streams
from catena.declared import declared_usecase
from catena.quality.hours import judge_each
from catena.streams import Codec, Message, open_log
from usecases.flight_delays.history import history

RULE = declared_usecase("flight_delays").streams[0].hours[0]
FIRST, LAST = "2013-01-01", "2013-01-09"


@pytest.fixture(scope="module")
def told():
    """What is told of the flights of some real days, in order."""
    return [event for event in history(FIRST, LAST) if event.type.startswith("flight.")]


def hour_of(event):
    return event.known_at.replace(minute=0, second=0, microsecond=0)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2013, 1, day, hour, minute, tzinfo=UTC)


def test_real_hours_are_usual_and_broken_ones_are_not(told):
    """Of a real week no hour is unusual; a lost hour, half of one and a tenfold one are told from chance."""
    counts = Counter(map(hour_of, told))
    week = [at(2, 0) + timedelta(hours=n) for n in range(7 * 24)]
    judged = judge_each(RULE, counts, week)
    assert sum(hour.ratio == hour.ratio for hour in judged) > 140
    assert [hour for hour in judged if not hour.is_usual] == []
    lost, tenfold = at(8, 18), at(8, 20)
    changed = {**counts, lost: 0, tenfold: 10 * counts[tenfold]}
    unusual = [hour for hour in judge_each(RULE, changed, week) if not hour.is_usual]
    assert [hour.begin for hour in unusual] == [lost, tenfold]
    assert (unusual[0].ratio, 8 < unusual[1].ratio < 12) == (0, True)
    # A quiet hour of the night is lost in chance.
    assert all(hour.is_usual for hour in judge_each(RULE, {**counts, at(8, 9): 0}, week))


def test_verdict_changes_with_what_came(workspace, usecase, run, told):
    """The ledger holds each verdict of a day once; records that come late change it, a run within an hour does not."""
    (stream, weather), lost, tenfold = usecase.streams, at(3, 18), at(3, 16)
    codec = Codec(stream, usecase.folder)

    def drain(events):
        with ExitStack() as opened:
            log = opened.enter_context(closing(open_log(workspace.settings, usecase.name, stream)))
            opened.enter_context(closing(open_log(workspace.settings, usecase.name, weather)))
            sent = [
                Message(f"{event.event_id}#{copy}", event.key, codec.encode(event))
                for event in events
                for copy in range(10 if hour_of(event) == tenfold else 1)
            ]
            log.publish_many(sent)
        return drain_streams(workspace, usecase, run).details["flights"]["hours"]

    def entries():
        found = workspace.ledger.entries(usecase.name, kind="quality", subject="events_flights")
        hours = [[hour["hour"] for rule in entry.payload["rules"] for hour in rule["hours"]] for entry in found]
        return [(entry.partition, entry.decision, at) for entry, at in zip(found, hours, strict=True)]

    def between(begin, end):
        return [event for event in told if begin <= event.known_at < end]

    first = [event for event in between(at(1, 0), at(3, 20, 10)) if hour_of(event) != lost]
    assert drain(first) == {"2013-01-02": "PASS", "2013-01-03": "WARN"}
    standing = [("2013-01-02", "PASS", []), ("2013-01-03", "WARN", [tenfold.isoformat(), lost.isoformat()])]
    assert entries() == standing
    # Within an hour nothing is judged; with the next full hour the same verdict is no news.
    assert drain(between(at(3, 20, 10), at(3, 20, 30))) == {}
    assert drain(between(at(3, 20, 30), at(3, 21, 10))) == {"2013-01-03": "WARN"}
    assert entries() == standing
    late = [event for event in told if hour_of(event) == lost]
    assert drain([*late, *between(at(3, 21, 10), at(3, 22, 10))]) == {"2013-01-03": "WARN"}
    assert entries() == [*standing, ("2013-01-03", "WARN", [tenfold.isoformat()])]
