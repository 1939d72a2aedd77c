"""The forecaster: ridge regression on yesterday and the season; and what a search tries beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from catena.declaration import Recipe


def pipeline(recipe: Recipe) -> Pipeline:
    """Return an unfitted pipeline; ridge regression has a closed form, so the seed changes nothing."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), list(recipe.numeric)),
            ("categorical", OneHotEncoder(handle_unknown="ignore"), list(recipe.categorical)),
        ]
    )
    return Pipeline([("columns", columns), ("ridge", Ridge(random_state=recipe.seed, **recipe.params))])


def forest(recipe: Recipe) -> Pipeline:
    """Return an unfitted pipeline of averaged trees, which bend where a line does not."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = ColumnTransformer(
        [
            ("numeric", "passthrough", list(recipe.numeric)),
            ("categorical", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(recipe.categorical)),
        ]
    )
    trees = RandomForestRegressor(n_estimators=50, n_jobs=1, random_state=recipe.seed, **recipe.params)
    return Pipeline([("columns", columns), ("trees", trees)])
