"""Which evidence a feature of the forecast must bring, and what each source of features costs."""

from __future__ import annotations

from catena.declaration import Selection, SourceCost

SELECTION = Selection(
    metric="mae",
    folds=3,
    fold_days=7,
    minimum_gain=0.05,
    margin=0.25,
    sources={
        "temperatures": SourceCost(inputs=("history",)),
        "wind_and_rain": SourceCost(inputs=("history",)),
    },
)
