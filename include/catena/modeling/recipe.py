"""What kind of model a fitted estimator is: its steps, their settings and the columns it takes; not what it learned."""

from __future__ import annotations

from typing import Any

from catena.lake import identity_of


def recipe_of(estimator: Any) -> str:
    """Return the identity of an estimator's recipe: equal for two that differ only in the data they were fitted on."""
    settings = {name: _shown(value) for name, value in estimator.get_params(deep=True).items()}
    columns = [str(name) for name in estimator.feature_names_in_]
    return str(identity_of([type(estimator).__qualname__, settings, columns]))


def _shown(value: Any) -> str:
    """Return a setting as text; of an estimator the class, since its own settings are named beside it."""
    if hasattr(value, "get_params"):
        return type(value).__qualname__
    if isinstance(value, (list, tuple)):
        return str([_shown(item) for item in value])
    return repr(value)
