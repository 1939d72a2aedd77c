"""A day whose file was ingested is closed to events; where they differ from it is counted and kept in the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.streaming.reconcile import days_to_reconcile, reconcile_days
from catena.chain.training.training_data import TrainingTables
from catena.partitions import days_of_month
from catena.run import Run
from usecases.flight_delays.history import history
from usecases.flight_delays.upstream import FLIGHT_DAY, WEATHER_DAY, days_of, flights_text, weather_text

DAY, NEXT = "2013-02-01", "2013-02-02"
INGEST = Run("flight_delays", "ingest", "batch", code_version="test")
MONITOR = Run("flight_delays", "monitor", "watch", code_version="test")


@pytest.fixture(scope="module")
def flights():
    """Events of the first four flights of the day's file, by type and by flight."""
    lines = days_of(flights_text(), FLIGHT_DAY, DAY, DAY)[DAY][:5]
    cells = [line.split(",") for line in lines[1:]]
    ids = [f"{DAY}-{each[9]}-{each[10]}-{each[12]}" for each in cells]
    events = [event for event in history(DAY, DAY) if event.key in ids]
    return lines, sorted(ids), events


@pytest.fixture
def write_file(plain):
    """Return a function that writes a day's file of a dataset and ingests it."""

    def write(usecase, dataset, day, lines):
        folder = plain.settings.home / "landing" / usecase.name / dataset
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{day}.csv").write_text("".join(lines))
        return ingest_dataset(plain, usecase, dataset, [day], INGEST)

    return write


def entries(plain, subject):
    return plain.ledger.entries("flight_delays", kind="reconciliation", subject=subject)


def counts(entry):
    names = ("rows_of_events", "rows_of_file", "only_in_file", "only_in_events", "other_values")
    return [entry.payload[name] for name in names]


def snapshot(lake):
    return {name: (lake.version(name), lake.read(name).to_pylist()) for name in ("schedule", "outcomes", "quarantine")}


def test_a_closed_day(plain, usecase, run, listed, flights, write_file):
    """Events and file of a day, worked by hand: what is closed, due, counted, shown, and written down once.

    The events leave out one flight, add one, and give one another delay; then they are completed by later ones.
    """
    lines, ids, events = flights
    missing, delayed = ids[0], ids[1]
    told = [event for event in events if event.key != missing]
    stranger = next(event for event in history(DAY, DAY) if event.type == "flight.scheduled" and event.key not in ids)
    arrival = next(event for event in told if event.type == "flight.arrived" and event.key == delayed)
    wrong = {**arrival.data, "arrival_delay_min": arrival.data["arrival_delay_min"] + 7}
    told = [replace(event, data=wrong) if event is arrival else event for event in told]
    assert listed.tell("flights", [stranger, *told]).changed == (DAY,)
    lake = listed.lake
    assert lake.read("schedule", [DAY])["flight_id"].to_pylist() == sorted({*ids, stranger.key} - {missing})

    outcome = write_file(usecase, "flights", DAY, lines)
    assert outcome.details["superseded"] == [DAY]
    assert outcome.details["restated"] == {"schedule": [DAY], "outcomes": [DAY]}
    assert lake.read("schedule", [DAY])["flight_id"].to_pylist() == ids
    assert days_to_reconcile(plain, usecase) == [DAY]
    before = snapshot(lake)
    found = reconcile_days(plain, usecase, [DAY], run)
    assert (found.status, found.partitions, found.details) == (
        "published",
        (DAY,),
        {"differing": [DAY], "entries": 2},
    )
    assert snapshot(lake) == before
    [schedule], [outcomes] = entries(plain, "schedule"), entries(plain, "outcomes")
    assert (schedule.decision, outcomes.decision, schedule.partition) == ("DIFFERENT", "DIFFERENT", DAY)
    assert counts(schedule) == [4, 4, 1, 1, 0]
    assert counts(outcomes) == [3, 4, 1, 0, 1]
    assert schedule.payload["examples"]["only_in_events"] == [f"{DAY} {stranger.key}"]
    assert outcomes.payload["examples"] == {
        "only_in_file": [f"{DAY} {missing}"],
        "only_in_events": [],
        "other_values": {f"{DAY} {delayed}": ["arrival_delay_min"]},
    }
    # Done: nothing is due, and the same again is written down nowhere.
    assert days_to_reconcile(plain, usecase) == []
    assert reconcile_days(plain, usecase, [DAY], run).details["entries"] == 0
    assert len(entries(plain, "schedule")) == 1

    # Later events are kept, change nothing, and are due again: the missing flight and the true delay.
    correction = replace(arrival, known_at=arrival.known_at + timedelta(hours=1))
    later = [event for event in events if event.key == missing]
    merged = listed.tell("flights", [stranger, *told, *later, correction])
    assert (merged.changed, merged.closed) == ((), (DAY,))
    assert snapshot(lake) == before
    assert lake.read("events_flights")["event_id"].to_pylist()[-1] == correction.event_id
    assert days_to_reconcile(plain, usecase) == [DAY]
    reconcile_days(plain, usecase, [DAY], run)
    assert snapshot(lake) == before
    assert [entry.decision for entry in entries(plain, "outcomes")] == ["DIFFERENT", "EQUAL"]
    assert [entry.decision for entry in entries(plain, "schedule")] == ["DIFFERENT", "DIFFERENT"]
    assert counts(entries(plain, "schedule")[-1]) == [5, 4, 0, 1, 0]


def test_late_events_enter_an_open_day(plain, usecase, run, listed, flights):
    """A day without a file takes its late events by the reconciliation, once; an open day is no reason for an entry."""
    _, ids, events = flights
    last = events[-1]
    late = [event for event in events if event.key == ids[0]]
    on_time = [event for event in events if event.key != ids[0]]
    newer = replace(last, event_id="x", known_at=last.known_at + timedelta(hours=72))
    listed.tell("flights", [*on_time, newer, *late])
    lake = listed.lake
    assert lake.read("schedule", [DAY])["flight_id"].to_pylist() == ids[1:]
    assert lake.read("events_flights")["standing"].to_pylist().count("late") == len(late)
    assert days_to_reconcile(plain, usecase) == [DAY]
    found = reconcile_days(plain, usecase, [DAY], run)
    assert (found.status, found.partitions, found.details["differing"]) == ("published", (DAY,), [])
    assert lake.read("schedule", [DAY])["flight_id"].to_pylist() == ids
    assert reconcile_days(plain, usecase, days_to_reconcile(plain, usecase), run).status == "unchanged"
    assert plain.ledger.entries("flight_delays", kind="reconciliation") == []


def test_a_later_event_does_not_take_the_late_ones_out_again(plain, usecase, run, listed, flights):
    """What the reconciliation let in stays when the next event of the day comes: a day never goes back."""
    _, ids, events = flights
    late = [event for event in events if event.key == ids[0]]
    on_time = [event for event in events if event.key != ids[0]]
    newer = replace(on_time[-1], event_id="x", known_at=on_time[-1].known_at + timedelta(hours=72))
    log = [*on_time, newer, *late]
    listed.tell("flights", log)
    reconcile_days(plain, usecase, [DAY], run)
    assert listed.lake.read("schedule", [DAY])["flight_id"].to_pylist() == ids
    listed.tell("flights", [*log, replace(newer, event_id="y")])
    assert listed.lake.read("schedule", [DAY])["flight_id"].to_pylist() == ids


def test_each_commit_accounts_for_its_rows(plain, usecase, run, listed, flights):
    """Rows in are rows published and rows in the quarantine, on every commit of a clean table by streams."""
    _, _, events = flights
    broken = [replace(event, data={**event.data, "carrier": "1"}) if event.key == events[0].key else event
              for event in events]  # fmt: skip
    records = listed.records("flights", broken)
    while listed.land("flights", records, 3):
        listed.merge("flights")
    checked = 0
    for name in ("schedule", "outcomes"):
        for commit in listed.lake.history(name):
            if "catena.accounting" not in commit:
                continue
            said = json.loads(commit["catena.accounting"])
            assert said["rows_in"] == said["rows_published"] + said["rows_quarantined"]
            checked += 1
        version = listed.lake.version(name)
        assert said is not None
        newest = json.loads(listed.lake.history(name)[0]["catena.accounting"])
        assert newest["rows_published"] == listed.lake.read(name, version=version).num_rows
    assert checked >= 4


def test_training_and_monitoring_wait_for_the_file(plain, usecase, run, listed, write_file):
    """Outcomes that streams told are no labels yet: a month is missing its days until their files come."""
    from catena.chain.watching.monitor import monitor_partition

    month = days_of_month("2013-01")[:1]
    day = month[0]
    told = list(history(day, day))
    listed.tell("flights", [event for event in told if event.type.startswith("flight.")])
    assert listed.lake.contents("outcomes", [day])[day] is not None
    assert f"outcomes[{day}]" in TrainingTables(listed.lake, plain.ledger, usecase).missing("2013-01")
    waiting = monitor_partition(plain, usecase, day, MONITOR)
    assert (waiting.status, waiting.reason.startswith(f"waiting for outcomes[{day}]")) == ("skipped", True)
    write_file(usecase, "flights", day, days_of(flights_text(), FLIGHT_DAY, day, day)[day])
    assert f"outcomes[{day}]" not in TrainingTables(listed.lake, plain.ledger, usecase).missing("2013-01")
    assert f"outcomes[{day}]" not in monitor_partition(plain, usecase, day, MONITOR).reason


def test_a_day_of_dead_letters_alone_is_no_day(plain, usecase, run, listed):
    """Broken records lie in the day of their storage, of which no event need tell: it is not due, and has no rows."""
    listed.tell("weather", [b"{"])
    assert listed.lake.row_counts("events_weather") == {"2013-03-01": 1}
    assert days_to_reconcile(plain, usecase) == []
    assert reconcile_days(plain, usecase, ["2013-03-01"], run).status == "unchanged"
    assert listed.lake.contents("weather", ["2013-03-01"]) == {"2013-03-01": None}
    assert listed.lake.read("quarantine")["rules"].to_pylist() == ["unparseable"]


def test_exactly_what_changed_is_due(plain, usecase, run, listed, write_file):
    """Of two days and two streams, only the day of which events or the file changed is compared again."""
    weather = {day: [event for event in history(day, day) if event.type == "weather.observed"] for day in (DAY, NEXT)}
    told = [*weather[DAY], *weather[NEXT][:-1]]
    listed.tell("weather", told)
    files = days_of(weather_text(), WEATHER_DAY, DAY, NEXT)
    for day in (DAY, NEXT):
        write_file(usecase, "weather", day, files[day])
    assert days_to_reconcile(plain, usecase) == [DAY, NEXT]
    assert reconcile_days(plain, usecase, [DAY, NEXT], run).details == {"differing": [NEXT], "entries": 2}
    assert days_to_reconcile(plain, usecase) == []
    listed.tell("weather", [*told, weather[NEXT][-1]])
    assert days_to_reconcile(plain, usecase) == [NEXT]
    assert reconcile_days(plain, usecase, [NEXT], run).details == {"differing": [], "entries": 1}
    # A corrected file is due as well.
    write_file(usecase, "weather", DAY, files[DAY][:-1])
    assert days_to_reconcile(plain, usecase) == [DAY]
    reconcile_days(plain, usecase, [DAY], run)
    newest = [entry for entry in entries(plain, "weather") if entry.partition == DAY][-1]
    assert counts(newest) == [72, 71, 0, 1, 0]
    assert days_to_reconcile(plain, usecase) == []
