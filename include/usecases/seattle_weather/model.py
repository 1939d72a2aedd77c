"""The forecaster: ridge regression on yesterday and the season."""

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
    return Pipeline([("columns", columns), ("ridge", Ridge(alpha=3.0, random_state=recipe.seed))])
