"""What comes a second time under another id of its message changes no table but that of the records."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catena.streams import Message

pytestmark = pytest.mark.faults


@pytest.mark.timeout(300)
def test_events_that_come_again_change_no_clean_table(ground_of):
    """The broker takes copies by other ids for new records: they are kept, and no clean table gets a new version."""
    ground = ground_of("flights", "weather")
    told = ground.told("2013-02-01", "2013-02-01", corrupt=0.01)
    ground.publish(told)
    ground.tell(ground.drain())
    lake = ground.workspace().lake(ground.usecase)
    before = ground.clean()
    tables = [table for table in before if table != "quarantine"]
    versions = {table: lake.version(table) for table in tables}
    numbers = {stream.name: len(ground.records(stream.name)) for stream in ground.usecase.streams}

    def again(delivery):
        message = delivery.message
        return replace(delivery, message=Message(f"{message.id}#again", message.key, message.value))

    events = [again(delivery) for delivery in told if delivery.kind == "event"]
    ground.publish(events)
    outcome = ground.drain()
    assert (outcome.status, outcome.partitions) == ("unchanged", ())
    assert {table: lake.version(table) for table in tables} == versions
    assert ground.clean() == before
    added = {stream: len(ground.records(stream)) - number for stream, number in numbers.items()}
    assert added == {name: sum(event.stream == name for event in events) for name in numbers}
