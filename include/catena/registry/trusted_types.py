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
    # The nodes of one boosted tree, as an array.
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    # Losses and links of boosted trees: formulas with no state of their own.
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    # A column transformer's fitted list of what to drop or pass through.
    "sklearn.compose._column_transformer._RemainderColsList",
)


def trusted_types(model: Model) -> list[str]:
    """Return what may be loaded for a use case."""
    return sorted({*TRUSTED_TYPES, *model.trusted_types})
