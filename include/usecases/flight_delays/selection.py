"""Which evidence a feature of the flights must bring, and what each source of features costs."""

from __future__ import annotations

from catena.declaration import Selection, SourceCost

SELECTION = Selection(
    metric="roc_auc",
    folds=4,
    fold_days=4,
    rows=10_000,
    redundancy=0.85,
    minimum_gain=0.001,
    # Half of what the gate lets a refresh lose.
    margin=0.005,
    sources={
        "weather": SourceCost(inputs=("observations",), age="weather_age_min"),
        "aircraft": SourceCost(inputs=("planes",)),
        "trailing_rates": SourceCost(inputs=("history",)),
        "same_day": SourceCost(inputs=("timetable", "departures", "landings")),
        "previous_leg": SourceCost(inputs=("timetable", "departures", "landings"), age="previous_departure_age_min"),
    },
)
