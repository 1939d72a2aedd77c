"""What each version must be shown to do beyond its errors, and what its card says of its use."""

from __future__ import annotations

from catena.declaration import Direction, Invariance, Proof

PROOF = Proof(
    audience="Readers of this demonstration: a small use case beside the large one.",
    limits=("One station and the day before it; no forecast of a weather service.",),
    not_for=("Warnings of heat or frost: errors of several degrees are usual.",),
    tests=(
        Direction(
            name="warmer_day_before",
            reason="A day before that was warmer makes no day colder.",
            column="temperature_max_1d_c",
            add=5,
            expected="not_lower",
        ),
        Invariance(
            name="calm_or_breezy",
            reason="The wind of the day before moves the forecast by less than two degrees.",
            change={"wind_1d_m_per_s": 3.0},
            tolerance=2.0,
        ),
    ),
    sources={
        "temperatures": (
            "temperature_max_1d_c",
            "temperature_min_1d_c",
            "temperature_max_mean_7d_c",
            "temperature_max_mean_28d_c",
        ),
        "wind_and_rain": ("precipitation_1d_mm", "wind_1d_m_per_s", "weather_1d"),
    },
)
