"""Whether a training went as it should: finite scores, better than a constant, a solver that arrived. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from catena.modeling.calibration import uncalibrated
from catena.modeling.metrics import binary_metrics, regression_metrics
from catena.modeling.threads import fixed_threads

# The share of the whole fall of the loss that its last tenth of steps may still bring.
_STILL_FALLING = 0.05
_STAGED_ROWS = 5000


@dataclass(frozen=True)
class SoundnessCheck:
    """One condition of a sound training, with its numbers in a sentence."""

    name: Literal["finite", "learned", "converged"]
    verdict: Literal["passed", "failed", "not judged"]
    said: str

    def as_dict(self) -> dict[str, str]:
        """Return JSON-ready values."""
        return asdict(self)


def soundness(
    estimator: Any, frame: pd.DataFrame, label: Any, score: Any, kind: Literal["binary", "regression"]
) -> list[SoundnessCheck]:
    """Return the checks of a fitted estimator on rows that it was trained on.

    Args:
        frame: the model's columns.
        score: the estimator's scores of the same rows.
    """
    y, scores = np.asarray(label, dtype="float64"), np.asarray(score, dtype="float64")
    return [_finite(scores), _learned(y, scores, kind), _converged(estimator, frame, y, kind)]


def _finite(scores: Any) -> SoundnessCheck:
    broken = int((~np.isfinite(scores)).sum())
    said = f"{broken} of {len(scores)} scores of training rows are no finite number."
    return SoundnessCheck("finite", "failed" if broken else "passed", said)


def _learned(y: Any, scores: Any, kind: Literal["binary", "regression"]) -> SoundnessCheck:
    if not len(y) or not np.isfinite(scores).all():
        return SoundnessCheck("learned", "not judged", "There are no finite scores of training rows.")
    name = "log loss" if kind == "binary" else "mean squared error"
    model, constant = _loss(y, scores, kind), _loss(y, np.full(len(y), y.mean()), kind)
    said = f"On {len(y)} training rows the {name} is {model:.4f}, against {constant:.4f} of the mean label for all."
    return SoundnessCheck("learned", "passed" if model < constant else "failed", said)


def _converged(estimator: Any, frame: pd.DataFrame, y: Any, kind: Literal["binary", "regression"]) -> SoundnessCheck:
    estimator = uncalibrated(estimator)
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    if hasattr(last, "staged_predict_proba" if kind == "binary" else "staged_predict"):
        return _staged(estimator, last, frame.head(_STAGED_ROWS), y[:_STAGED_ROWS], kind)
    if getattr(last, "n_iter_", None) is None or getattr(last, "max_iter", None) is None:
        return SoundnessCheck("converged", "not judged", f"{type(last).__name__} is not fitted by iterations.")
    taken = int(np.max(last.n_iter_))
    said = f"The solver took {taken} of at most {last.max_iter} iterations."
    return SoundnessCheck("converged", "passed" if taken < last.max_iter else "failed", said)


def _staged(estimator: Any, last: Any, frame: pd.DataFrame, y: Any, kind: Any) -> SoundnessCheck:
    """Judge a boosted model by its loss after each step: it must fall, and have done most of its falling."""
    prepared = estimator[:-1].transform(frame) if last is not estimator else frame
    with fixed_threads():
        losses = [
            _loss(y, found[:, 1] if kind == "binary" else found, kind)
            for found in (last.staged_predict_proba if kind == "binary" else last.staged_predict)(prepared)
        ]
    if len(losses) < 10:
        return SoundnessCheck("converged", "not judged", f"{len(losses)} steps are too few to tell.")
    fall, late = losses[0] - losses[-1], losses[-1 - len(losses) // 10] - losses[-1]
    share = late / fall if fall > 0 else 1.0
    said = (
        f"Over {len(losses)} steps the training loss fell from {losses[0]:.4f} to {losses[-1]:.4f}; "
        f"the last tenth of them brought {100 * share:.1f} % of it."
    )
    is_sound = fall > 0 and all(np.isfinite(losses))
    return SoundnessCheck("converged", "passed" if is_sound and share <= _STILL_FALLING else "failed", said)


def _loss(y: Any, scores: Any, kind: Literal["binary", "regression"]) -> float:
    found = binary_metrics(y, scores)["log_loss"] if kind == "binary" else regression_metrics(y, scores)["rmse"]
    if found is None:
        raise ValueError("no rows, so no loss")
    return found if kind == "binary" else found**2
