"""The streams of `flight_delays`: what the airport and the weather service tell as it happens.

The schemas lie in `events/`; how the year 2013 is told as events belongs in `usecases.flight_delays.history`.
"""

from __future__ import annotations

from catena.declaration import EventType, Feed, HourlyVolume, Stream

STREAMS = (
    Stream(
        name="flights",
        description="The life of a flight: scheduled, departed, and one of arrived, cancelled, diverted.",
        events=(
            EventType(name="flight.scheduled", version=1, description="A flight was put on the schedule."),
            EventType(name="flight.departed", version=1, description="A flight left its gate."),
            EventType(name="flight.arrived", version=1, description="A flight arrived where it was bound for."),
            EventType(name="flight.cancelled", version=1, description="A flight never left."),
            EventType(name="flight.diverted", version=1, description="A flight left and landed elsewhere."),
        ),
        # A flight that is on the schedule and has not left yet has no outcome, not even that of a cancellation.
        # One that has left and not landed has an outcome of which the end is not known yet.
        feeds=(
            Feed(dataset="flights", sql="flights_of_events.sql", ready={"outcomes": "has_outcome"}, whole="has_ended"),
        ),
        # A day's schedule is known at noon of the day before, and a diversion up to half a day after its departure: who
        # tells one day after another must find the second one's schedule in time.
        allowed_lateness_hours=36,
        # By the rules of the clean tables a diversion counts as known half a day after the departure, however soon it
        # is told, and an arrival at the latest instant that it can have been.
        ahead_minutes=12 * 60,
        # Of the year's 8,146 hours with 20 or more records to expect, 16 lie outside: the blizzard of 9 February, the
        # morning after Thanksgiving, two on the night that has an hour more, and where the year ends.
        hours=(
            HourlyVolume(
                minimum_ratio=0.3,
                maximum_ratio=3,
                reason="An hour tells of about as many flights as on other days.",
            ),
        ),
    ),
    Stream(
        name="weather",
        description="Hourly weather at New York's airports.",
        events=(EventType(name="weather.observed", version=1, description="The weather of one hour is known."),),
        feeds=(Feed(dataset="weather", sql="weather_of_events.sql"),),
    ),
)
