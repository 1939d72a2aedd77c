"""A recipe is what was declared, not what was learned."""

from __future__ import annotations

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from catena.modeling.recipe import recipe_of

ROWS = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 0.0, 1.0, 0.0]})


def fitted(rows: pd.DataFrame = ROWS, **settings: float):
    return make_pipeline(StandardScaler(), LogisticRegression(**settings)).fit(rows, [0, 1, 0, 1])


def test_other_data_are_the_same_recipe_other_settings_or_columns_are_not():
    """A refresh is told from a changed model by steps, settings and columns alone."""
    assert recipe_of(fitted()) == recipe_of(fitted(ROWS * 3))
    others = [fitted(C=2.0), fitted(ROWS[["b", "a"]]), fitted(ROWS.rename(columns={"a": "c"}))]
    assert len({recipe_of(each) for each in [fitted(), *others]}) == 4
