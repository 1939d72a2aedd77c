"""The types that a stored model may be made of, beyond those that skops trusts by itself: the one reviewed list.

Each entry was read: it holds numbers and settings, and runs nothing when it is built. What only one use case needs is
declared there (`Model.trusted_types`). A model's own list of what it wants trusted is never asked.
"""

from __future__ import annotations

from catena.declaration import Model

TRUSTED_TYPES = (
    # Catena's own baselines: arrays of keys and means.
    "catena.modeling.baseline.GroupMeanClassifier",
    "catena.modeling.baseline.GroupMeanRegressor",
    # A curve behind an estimator: two numbers, or two arrays.
    "catena.modeling.calibration.CalibratedClassifier",
    # The nodes of one boosted tree, as an array.
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # The nodes of one decision tree, as an array, and how many classes and features there are. It does not check where
    # its nodes point to: that the file is the registered one is checked before anything is built from it.
    "sklearn.tree._tree.Tree",
    # The type of numbers that an imputer or encoder was fitted on: a description, no code.
    "numpy.dtype",
)


def trusted_types(model: Model) -> list[str]:
    """Return what may be loaded for a use case."""
    return sorted({*TRUSTED_TYPES, *model.trusted_types})
