"""The kinds of model that a late arrival may be learned by; each factory builds the pipeline of a recipe.

Which one is in force is found by search, among the ranges that `search.py` declares.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from catena.declaration import Recipe

# What makes no flight safer, and what makes none riskier: the directions that the proof asks of every version.
RAISING = (
    "origin_backlog_3h_count", "previous_departure_delay_min", "previous_arrival_delay_min",
    "origin_late_departures_1h_share", "origin_late_departures_2h_share", "origin_late_departures_3h_share",
    "origin_departure_delay_mean_1h_min", "origin_departure_delay_mean_2h_min", "origin_departure_delay_mean_3h_min",
)  # fmt: skip
LOWERING = ("visibility_miles",)


def gradient_boosting(recipe: Recipe) -> Pipeline:
    """Return an unfitted pipeline of boosted trees; missing values are a branch of their own.

    Early stopping is off, because it would hold out random rows. Categories are ordinal codes: as categories of their
    own they gave nothing (March: 0.763 against 0.766), and took twice the time. What is known of directions need not be
    learned: no tree may turn against it, which is also a guard against what a few bad days seem to say.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline

    # In the order of the coded columns.
    directions = [(name in RAISING) - (name in LOWERING) for name in (*recipe.categorical, *recipe.numeric)]
    trees = HistGradientBoostingClassifier(
        early_stopping=False, random_state=recipe.seed, monotonic_cst=directions, **recipe.params
    )
    return Pipeline([("columns", _coded(recipe)), ("trees", trees)])


def random_forest(recipe: Recipe) -> Pipeline:
    """Return an unfitted pipeline of averaged trees, each grown on a part of the rows; it takes missing values, too."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline

    trees = RandomForestClassifier(random_state=recipe.seed, n_jobs=1, bootstrap=True, **recipe.params)
    return Pipeline([("columns", _coded(recipe)), ("trees", trees)])


def linear(recipe: Recipe) -> Pipeline:
    """Return an unfitted pipeline of logistic regression on scaled numbers and one column for each frequent category.

    Missing numbers become the median, and a column says that they were missing: the absence of a previous leg or of
    weather means something. `scaling` is `quantile` where a number is replaced by its place among the others, which
    tames long tails of delays, or `standard`.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

    params: dict[str, Any] = dict(recipe.params)
    quantiles = QuantileTransformer(n_quantiles=100, subsample=10_000, random_state=recipe.seed)
    scaling = {"quantile": [quantiles, StandardScaler()], "standard": [StandardScaler()]}[params.pop("scaling")]
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), *scaling)
    codes = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=50, sparse_output=False)
    columns = ColumnTransformer(
        [("numeric", numbers, list(recipe.numeric)), ("categorical", codes, list(recipe.categorical))],
        verbose_feature_names_out=False,
    )
    return Pipeline([("columns", columns), ("logistic", LogisticRegression(max_iter=1000, **params))])


def _coded(recipe: Recipe) -> Any:
    """Return the columns with categories as numbers; one that was never seen is missing."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=200)
    return ColumnTransformer(
        [("categorical", codes, list(recipe.categorical)), ("numeric", "passthrough", list(recipe.numeric))],
        verbose_feature_names_out=False,
    )
