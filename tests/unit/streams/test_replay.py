"""A replay sends each event, with exactly the faults that were asked for, the same each time."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from itertools import islice, pairwise

import pytest

from catena.declared import declared_usecase
from catena.streams import Codec, Message, Position, Record
from catena.streams.replay import Faults, NoHistory, deliveries, replay, replay_history
from usecases.flight_delays.history import history

USECASE = declared_usecase("flight_delays")
CODECS = {stream.name: Codec(stream, USECASE.folder) for stream in USECASE.streams}
STREAM_OF = {event.name: stream.name for stream in USECASE.streams for event in stream.events}
EVERYTHING = Faults(shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01)
# 842 + 838 + 831 + 4 + 7 + 67, counted in the files.
NEW_YEARS_DAY = 2589


@pytest.fixture(scope="module")
def events():
    return list(history("2013-01-01", "2013-01-01"))


def sent(events, faults):
    return list(deliveries(events, CODECS, STREAM_OF, faults))


class Recorder:
    """Remembers what was published and when."""

    def __init__(self) -> None:
        self.batches: list[tuple[float, list[Message]]] = []

    def publish_many(self, messages):
        self.batches.append((time.monotonic(), list(messages)))
        return [Position(0, n) for n, _ in enumerate(messages)]


def test_without_faults_each_event_is_sent_once_when_it_was_known(events):
    """The order is that of the history, and nothing is added."""
    found = sent(events, Faults())
    assert [(d.at, d.message.id) for d in found] == [(e.known_at, e.event_id) for e in events]
    assert len(found) == NEW_YEARS_DAY


def test_faults_take_no_event_away(events):
    """With all faults, each event is still sent, whole, and what is no event is a dead letter."""
    found = sent(events, EVERYTHING)
    records = [Record(0, n, d.message.id, d.message.key, d.message.value, d.at) for n, d in enumerate(found)]
    read = {"flights": [], "weather": []}
    for record, delivery in zip(records, found, strict=True):
        read[delivery.stream].append(record)
    decoded = [CODECS[stream].decode(of_stream) for stream, of_stream in read.items()]
    assert {event.event_id for part in decoded for _, event in part.events} == {event.event_id for event in events}
    kinds = Counter(d.kind for d in found)
    assert sum(len(part.dead_letters) for part in decoded) == kinds["corrupt"] > 0
    assert len({letter.rule for part in decoded for letter in part.dead_letters}) >= 3


def test_shares_are_met(events):
    """Of 2,589 events about the asked share is duplicated, late and corrupt: within four standard deviations."""
    kinds = Counter(d.kind for d in sent(events, Faults(duplicate=0.05, late=0.02, corrupt=0.01)))
    for kind, share in (("duplicate", 0.05), ("late", 0.02), ("corrupt", 0.01)):
        spread = (NEW_YEARS_DAY * share * (1 - share)) ** 0.5
        assert abs(kinds[kind] - NEW_YEARS_DAY * share) < 4 * spread
    assert kinds["event"] + kinds["late"] == NEW_YEARS_DAY
    assert Counter(d.kind for d in sent(events, Faults(duplicate=1)))["duplicate"] == NEW_YEARS_DAY


def test_a_replay_is_repeated_exactly(events):
    """The same seed sends the same bytes in the same order; another one chooses other events."""
    assert sent(events, EVERYTHING) == sent(events, EVERYTHING)
    other = Faults(shuffle=True, duplicate=0.05, late=0.02, corrupt=0.01, seed=1)
    assert sent(events, other) != sent(events, EVERYTHING)


def test_an_events_faults_do_not_depend_on_the_range():
    """A day told alone and within its week has the same faults, so that both end as the same tables."""
    day = set(sent(history("2013-01-02", "2013-01-02"), EVERYTHING))
    week = set(sent(history("2013-01-01", "2013-01-03"), EVERYTHING))
    assert day <= week


def test_nothing_is_sent_before_it_is_known(events):
    """Faults delay: sending is in order of its own instants, none before the event was known, late ones by hours."""
    known = {event.event_id: event.known_at for event in events}
    found = sent(events, EVERYTHING)
    assert all(a.at <= b.at for a, b in pairwise(found))
    delays = {(d.kind, d.message.id): d.at - known[d.message.id.split("#")[0]] for d in found}
    assert min(delays.values()) >= timedelta(0)
    assert all(
        timedelta(hours=2) <= delay <= timedelta(hours=49) for (kind, _), delay in delays.items() if kind == "late"
    )
    moved = [d.message.id for d in found if d.kind == "event"]
    assert moved != [event.event_id for event in events if event.event_id in set(moved)]


def test_a_duplicate_is_another_message_with_the_same_event(events):
    """Its own id, so that no broker's memory of ids hides the fault; the same bytes, so that readers must see it."""
    found = sent(events, Faults(duplicate=0.05))
    values = {d.message.id: d.message.value for d in found if d.kind == "event"}
    copies = [d for d in found if d.kind == "duplicate"]
    assert copies
    assert all(d.message.value == values[d.message.id.removesuffix("#duplicate")] for d in copies)


def test_a_damaged_copy_precedes_the_true_event(events):
    """As from a producer that was repaired: the damaged bytes come first, and the event is not lost."""
    order = [d.message.id for d in sent(events, Faults(corrupt=0.05))]
    damaged = [name for name in order if name.endswith("#corrupt")]
    assert damaged
    assert all(order[order.index(name) + 1] == name.removesuffix("#corrupt") for name in damaged)


def test_speed_is_kept(events):
    """At 36,000 seconds of history a second, what is hours apart is sent as far apart as that makes it."""
    logs = {"flights": Recorder(), "weather": Recorder()}
    some = list(islice(sent(events, Faults()), 1200))
    span = (some[-1].at - some[0].at).total_seconds()
    started = time.monotonic()
    progress = replay(some, logs, span / 1.5)
    assert 1.4 <= time.monotonic() - started < 6
    assert sum(progress.sent.values()) == sum(len(batch) for log in logs.values() for _, batch in log.batches) == 1200
    # The 842 schedules are known at one instant and go at once.
    assert sum(len(batch) for at, batch in logs["flights"].batches if at - started < 1.0) >= 842


def test_speed_0_sends_as_fast_as_the_broker_takes(events):
    """A day without pauses, and the watcher is told of each batch."""
    logs = {"flights": Recorder(), "weather": Recorder()}
    seen = []
    progress = replay(sent(events, Faults()), logs, 0, lambda p: seen.append(sum(p.sent.values())))
    assert seen == [1000, 2000, NEW_YEARS_DAY]
    assert progress.by_type["flight.cancelled"] == 4
    assert progress.at == events[-1].known_at


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_a_share(share):
    """A percentage where a share is meant is refused."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        Faults(late=share)


def test_a_use_case_without_streams_cannot_be_replayed(tmp_path):
    """The error names the use case."""
    with pytest.raises(NoHistory, match="seattle_weather"):
        replay_history(
            None, declared_usecase("seattle_weather"), ("2013-01-01", "2013-01-01"), speed=0, faults=Faults()
        )
