"""Tells the flights and the weather of 2013 as the events in which they would have become known.

The instants are those of the clean tables (`sql/schedule.sql`, `sql/outcomes.sql`, `sql/weather.sql`), whose comments
give the reasons: a day told by events ends as the rows that the day's files give.
"""

from __future__ import annotations

import csv
import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from catena.partitions import days, start_of
from catena.streams.event import Event
from usecases.flight_delays.upstream import FLIGHT_DAY, WEATHER_DAY, days_of, flights_text, weather_text

_VERSION = 1
_WEATHER = {
    "temperature_f": "temp",
    "dew_point_f": "dewp",
    "humidity_pct": "humid",
    "wind_direction_deg": "wind_dir",
    "wind_speed_mph": "wind_speed",
    "wind_gust_mph": "wind_gust",
    "precipitation_in": "precip",
    "pressure_mbar": "pressure",
    "visibility_miles": "visib",
}
Row = dict[str, str]


def history(first: str, last: str) -> Iterator[Event]:
    """Yield the events of the days `first` to `last`, both included, in the order in which they became known.

    Events of one instant come in the order of their ids, so that two tellings are the same.
    """
    flights = days_of(flights_text(), FLIGHT_DAY, first, last)
    weather = days_of(weather_text(), WEATHER_DAY, first, last)
    waiting: list[tuple[datetime, str, Event]] = []
    for day in days(first, last):
        told = [event for row in csv.DictReader(flights.pop(day, ())) for event in flight_events(day, row)]
        told += [_weather_observed(day, row) for row in csv.DictReader(weather.pop(day, ()))]
        for event in told:
            heapq.heappush(waiting, (event.known_at, event.event_id, event))
        # Nothing of a later day is known before that day's schedule is: at noon of this one.
        while waiting and waiting[0][0] < _schedule_known(day) + timedelta(days=1):
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def flight_events(day: str, row: Row) -> list[Event]:
    """Return what a flight's row tells, in order: it was scheduled, it left, and how it ended."""
    scheduled_at = _time(row["time_hour"]) + timedelta(minutes=int(row["minute"]))
    flight: dict[str, Any] = {
        "flight_id": f"{day}-{row['carrier']}-{row['flight']}-{row['origin']}",
        "partition": day,
        "carrier": row["carrier"],
        "flight_number": int(row["flight"]),
        "tailnum": _optional(row["tailnum"]),
        "origin": row["origin"],
        "dest": row["dest"],
        "scheduled_departure_at": _text(scheduled_at),
    }
    schedule = {
        **flight,
        "scheduled_departure_local_min": int(row["hour"]) * 60 + int(row["minute"]),
        "scheduled_arrival_local_min": _minutes(int(row["sched_arr_time"])),
        "distance_miles": int(row["distance"]),
    }
    told = [_flight_event("flight.scheduled", scheduled_at, _schedule_known(day), schedule)]
    delay = _optional(row["dep_delay"])
    if delay is None:
        return [*told, _flight_event("flight.cancelled", scheduled_at, scheduled_at + timedelta(hours=1), flight)]
    departed_at = scheduled_at + timedelta(minutes=int(delay))
    left = {**flight, "departed_at": _text(departed_at), "departure_delay_min": int(delay)}
    told.append(_flight_event("flight.departed", departed_at, departed_at, left))
    arrival_delay, air_time = _optional(row["arr_delay"]), _optional(row["air_time"])
    if arrival_delay is None:
        return [*told, _flight_event("flight.diverted", departed_at, departed_at + timedelta(hours=12), left)]
    in_the_air = None if air_time is None else int(air_time)
    outcome = {**left, "arrival_delay_min": int(arrival_delay), "air_time_min": in_the_air}
    # No UTC arrival is told: the latest instant that it can have been.
    arrived_at = departed_at + timedelta(minutes=(in_the_air or 0) + 150)
    return [*told, _flight_event("flight.arrived", arrived_at, arrived_at, outcome)]


def _flight_event(name: str, event_time: datetime, known_at: datetime, data: dict[str, Any]) -> Event:
    key = str(data["flight_id"])
    return Event(name, _VERSION, f"{name}/{key}", event_time, known_at, key, data)


def _weather_observed(day: str, row: Row) -> Event:
    observed_at, origin = _time(row["time_hour"]), row["origin"]
    data: dict[str, Any] = {"origin": origin, "partition": day}
    for name, column in _WEATHER.items():
        value = _optional(row[column])
        data[name] = None if value is None else float(value)
    event_id = f"weather.observed/{origin}/{_text(observed_at)}"
    known_at = observed_at + timedelta(hours=1)
    return Event("weather.observed", _VERSION, event_id, observed_at, known_at, origin, data)


def _schedule_known(day: str) -> datetime:
    return start_of(day) - timedelta(hours=12)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _minutes(clock: int) -> int:
    return clock // 100 * 60 + clock % 100


def _optional(text: str) -> str | None:
    return None if text in {"", "NA"} else text
