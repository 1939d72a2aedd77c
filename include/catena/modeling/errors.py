"""Why a candidate could not be built, for reasons that lie in its data or declaration."""

from __future__ import annotations


class ModelingError(RuntimeError):
    """A training set from which the declared model cannot be learned; leads to HOLD, not to a stuck chain."""


class TooFewRows(ModelingError):
    """Fewer labelled rows than the declaration demands."""


class OneClass(ModelingError):
    """A binary label that takes a single value."""
