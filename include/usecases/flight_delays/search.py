"""Among which recipes the one in force is looked for, and when.

Budgets are small: a search takes four to five minutes of one core (docs/benchmarks.md).
"""

from __future__ import annotations

from catena.declaration import Choice, Family, FloatRange, IntRange, Search

SEARCH = Search(
    # In the order of simplicity: of equals the first is taken.
    families=(
        Family(
            name="linear", factory="usecases.flight_delays.families:linear",
            space={
                "C": FloatRange(low=1e-4, high=1.0, is_log=True),
                "scaling": Choice(values=("standard", "quantile")),
            },
        ),
        Family(
            name="random_forest", factory="usecases.flight_delays.families:random_forest",
            params={"n_estimators": 40, "max_samples": 0.3},
            space={
                "max_leaf_nodes": IntRange(low=50, high=300, is_log=True),
                "min_samples_leaf": IntRange(low=10, high=200, is_log=True),
                "max_features": FloatRange(low=0.1, high=0.4),
            },
        ),
        Family(
            name="gradient_boosting", factory="usecases.flight_delays.families:gradient_boosting",
            space={
                "learning_rate": FloatRange(low=0.02, high=0.2, is_log=True),
                "max_iter": IntRange(low=60, high=200),
                "max_leaf_nodes": IntRange(low=6, high=63, is_log=True),
                "min_samples_leaf": IntRange(low=50, high=500, is_log=True),
                "l2_regularization": FloatRange(low=0.1, high=100.0, is_log=True),
                "max_features": FloatRange(low=0.2, high=1.0),
            },
        ),
    ),
    trials=10,
    cpu_seconds=60.0,
    folds=3,
    fold_days=7,
    fit_days=28,
    confirmation_days=14,
    first_after_months=4,
    every_months=3,
)  # fmt: skip
