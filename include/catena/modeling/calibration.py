"""A classifier whose probabilities pass through a curve, so that what it says is as frequent as it says.

Which rows the curve is fitted on is `catena.modeling.train`'s to choose; which one is declared, the use case's.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from catena.modeling.errors import ModelingError, OneClass
from catena.modeling.metrics import CLIP

Numbers = npt.NDArray[np.float64]
Method = Literal["intercept", "sigmoid", "isotonic"]
# Of log odds: beyond it every probability is 0 or 1 to the last digit that counts.
_FARTHEST = 50.0


class CalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn ships no annotations
    """A fitted classifier of two classes and the curve behind it.

    `intercept` shifts the log odds, so that the mean is right; `sigmoid` also stretches them (Platt 1999); `isotonic`
    is the nearest rising step function, with straight lines between its steps (Zadrozny and Elkan 2002).

    Args:
        estimator: fitted; the curve leaves it as it is.
        method: kind of curve.
    """

    def __init__(self, estimator: Any = None, method: Method = "sigmoid") -> None:
        self.estimator = estimator
        self.method = method

    def fit_curve(self, score: Numbers, label: Any, day: Any) -> CalibratedClassifier:
        """Learn the curve from scores of rows that the scoring model was not fitted on.

        Args:
            score: probabilities, by a model of the same recipe.
            label: what happened.
            day: the day of each row; the first and the last are kept as evidence.

        Raises:
            OneClass: all labels are the same.
            ModelingError: the higher the score, the rarer the event: a curve would turn the ranking round.
        """
        y, days = np.asarray(label, dtype="float64"), sorted(set(np.asarray(day, dtype=np.str_).tolist()))
        if y.min() == y.max():
            raise OneClass(f"all {len(y)} labels of the calibration days are {y[0]:g}: no curve can be fitted")
        if self.method == "isotonic":
            steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(score, y)
            self.knots_, self.levels_ = np.asarray(steps.X_thresholds_), np.asarray(steps.y_thresholds_)
        elif self.method == "sigmoid":
            self.intercept_, self.slope_ = _line(_log_odds(score), y)
        else:
            odds = _log_odds(score)
            self.intercept_, self.slope_ = float(brentq(_excess, -_FARTHEST, _FARTHEST, (odds, y), xtol=1e-12)), 1.0
        self.calibrated_on_ = {"first": days[0], "last": days[-1], "rows": len(y)}
        self.classes_ = np.asarray(self.estimator.classes_)
        self.feature_names_in_ = np.asarray(self.estimator.feature_names_in_, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Numbers:
        """Return the probabilities of both classes, calibrated."""
        event = self._curve(np.asarray(self.estimator.predict_proba(X)[:, 1], dtype="float64"))
        return np.column_stack([1 - event, event])

    def predict(self, X: pd.DataFrame) -> Any:
        """Return the likelier class."""
        return self.classes_[(self.predict_proba(X)[:, 1] >= 0.5).astype(int)]

    def as_dict(self) -> dict[str, Any]:
        """Return what evidence says of the curve, JSON-ready."""
        on = {name: self.calibrated_on_[name] for name in ("first", "last", "rows")}
        if self.method == "isotonic":
            return {"method": self.method, **on, "knots": len(self.knots_)}
        return {"method": self.method, **on, "intercept": self.intercept_, "slope": self.slope_}

    def _curve(self, score: Numbers) -> Numbers:
        if self.method == "isotonic":
            return np.asarray(np.interp(score, self.knots_, self.levels_))
        return np.asarray(expit(self.intercept_ + self.slope_ * _log_odds(score)))


def calibration_of(estimator: Any) -> dict[str, Any] | None:
    """Return what evidence says of an estimator's calibration; None where it has none."""
    return estimator.as_dict() if isinstance(estimator, CalibratedClassifier) else None


def uncalibrated(estimator: Any) -> Any:
    """Return what lies before the curve; without one, the estimator itself."""
    return estimator.estimator if isinstance(estimator, CalibratedClassifier) else estimator


def _log_odds(score: Numbers) -> Numbers:
    return np.asarray(logit(np.clip(score, CLIP, 1 - CLIP)))


def _excess(shift: float, odds: Numbers, label: Numbers) -> float:
    """Return by how much shifted scores say more events than there were."""
    return float(np.mean(expit(odds + shift)) - np.mean(label))


def _line(odds: Numbers, label: Numbers) -> tuple[float, float]:
    """Return intercept and slope of the log odds by maximum likelihood."""
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(odds.reshape(-1, 1), label.astype(int))
    intercept, slope = float(fitted.intercept_[0]), float(fitted.coef_[0, 0])
    if slope <= 0:
        raise ModelingError(
            f"on the calibration days the scores rank no event above another (slope {slope:.3f}): look at the model, "
            "or declare the calibration `intercept`"
        )
    return intercept, slope
