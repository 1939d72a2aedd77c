"""What each version must be shown to do beyond its metrics, and what its card says of its use."""

from __future__ import annotations

from catena.declaration import Direction, Fairness, Invariance, MinimumFunctionality, Proof
from usecases.flight_delays.features import AIRCRAFT, PREVIOUS_LEG, SAME_DAY, TRAILING, WEATHER

PROOF = Proof(
    audience="Airport operations and passenger services in New York, who plan gates and rebooking an hour ahead.",
    limits=(
        "Learned from flights out of New York's three airports in 2013: other airports and years were never seen.",
        "The probability holds for a flight that arrives as planned: cancelled and diverted flights have no label.",
        "Known one hour before scheduled departure: what happens later, at the gate or in the air, is not in it.",
        "In the first weeks of January the trailing rates rest on few flights.",
    ),
    not_for=(
        "Judging crews, employees or airlines: a late flight is mostly weather and its aircraft's day.",
        "Safety: whether an aircraft or a crew is fit to fly is no question of punctuality.",
        "Setting fares or refusing a booking.",
    ),
    tests=(
        Invariance(
            name="age_of_the_weather",
            reason="Whether the last weather report is old or new within its hour moves no score by much.",
            change={"weather_age_min": 30.0}, tolerance=0.02,
        ),
        Invariance(
            name="kind_of_engine", reason="The kind of engine makes a flight neither late nor punctual.",
            change={"aircraft_engine": None}, tolerance=0.02,
        ),
        Direction(
            name="more_backlog", is_veto=True,
            reason="More flights that are due and have not left make no flight safer.",
            column="origin_backlog_3h_count", add=10, expected="not_lower", tolerance=0.002,
        ),
        Direction(
            name="aircraft_an_hour_later", is_veto=True,
            reason="An aircraft that arrived an hour later makes no flight safer.",
            column="previous_arrival_delay_min", add=60, expected="not_lower",
        ),
        Direction(
            name="better_sight", is_veto=True, reason="Five miles more of sight make no flight riskier.",
            column="visibility_miles", add=5, expected="not_higher", tolerance=0.002,
        ),
        MinimumFunctionality(
            name="aircraft_two_hours_late",
            reason="A flight whose aircraft's last leg was two hours late ranks above the same one on time.",
            lower={"previous_departure_delay_min": 0.0, "previous_arrival_delay_min": 0.0},
            higher={"previous_departure_delay_min": 120.0, "previous_arrival_delay_min": 120.0},
        ),
        MinimumFunctionality(
            name="bad_hours_at_the_origin", is_veto=True,
            reason="Where most flights of the last hours left late, a flight ranks above the same one on a calm day.",
            lower={
                "origin_late_departures_1h_share": 0.05, "origin_late_departures_2h_share": 0.05,
                "origin_late_departures_3h_share": 0.05, "origin_departure_delay_mean_1h_min": 0.0,
                "origin_departure_delay_mean_2h_min": 0.0, "origin_departure_delay_mean_3h_min": 0.0,
            },
            higher={
                "origin_late_departures_1h_share": 0.7, "origin_late_departures_2h_share": 0.7,
                "origin_late_departures_3h_share": 0.7, "origin_departure_delay_mean_1h_min": 60.0,
                "origin_departure_delay_mean_2h_min": 60.0, "origin_departure_delay_mean_3h_min": 60.0,
            },
        ),
    ),
    fairness=(
        Fairness(
            name="missed_by_airport", by="origin", measure="false_negative_rate", threshold=0.3, tolerance=0.1,
            is_criterion=False,
            reason="Late flights of one airport are missed as often as those of the others. A figure and no criterion: "
            "what is published is a probability, which must be right for each airport, and where airports have unlike "
            "base rates one threshold then cannot miss equally many late flights at all of them (Kleinberg, "
            "Mullainathan and Raghavan 2016; Chouldechova 2017). Who acts from a threshold on has to know it.",
        ),
        Fairness(
            name="level_by_airport", by="origin", measure="calibration", tolerance=0.05,
            reason="Passengers of no airport are told a risk that is too high or too low. This is the criterion: "
            "calibration within each group is what a probability promises.",
        ),
        Fairness(
            name="level_by_carrier", by="carrier", measure="calibration", tolerance=0.05,
            reason="Passengers of no carrier, large or small, are told a risk that is too high or too low.",
        ),
    ),
    sources={
        "weather": tuple(column.name for column in WEATHER),
        # Whether it is known is no measurement: without the register it says no, which is what missing means here.
        "aircraft": tuple(column.name for column in AIRCRAFT),
        "trailing_rates": tuple(column.name for column in TRAILING),
        "same_day": tuple(column.name for column in SAME_DAY),
        "previous_leg": tuple(column.name for column in PREVIOUS_LEG),
    },
)  # fmt: skip
