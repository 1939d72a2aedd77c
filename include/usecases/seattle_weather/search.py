"""Among which recipes the forecaster is looked for: a line or a few trees, twice a year."""

from __future__ import annotations

from catena.declaration import Family, FloatRange, IntRange, Search

SEARCH = Search(
    families=(
        Family(
            name="ridge", factory="usecases.seattle_weather.model:pipeline",
            space={"alpha": FloatRange(low=0.01, high=100.0, is_log=True)},
        ),
        Family(
            name="forest", factory="usecases.seattle_weather.model:forest",
            space={"min_samples_leaf": IntRange(low=1, high=10)},
        ),
    ),
    trials=8,
    cpu_seconds=30.0,
    folds=3,
    fold_days=7,
    confirmation_days=21,
    first_after_months=3,
    every_months=6,
)  # fmt: skip
