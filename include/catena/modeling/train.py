"""Fits the declared pipeline and the declared baseline, and scores frames with them.

Where models are kept belongs in `catena.registry`.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.declaration import Model
from catena.modeling.baseline import baseline_for
from catena.modeling.calibration import CalibratedClassifier
from catena.modeling.dataset import TrainingSet, model_frame, require_rows
from catena.modeling.errors import ModelingError, OneClass
from catena.modeling.folds import walk_forward
from catena.modeling.threads import THREADS, fixed_threads

Numbers = npt.NDArray[np.float64]


def pipeline_for(model: Model) -> Any:
    """Return the unfitted pipeline of a model's recipe.

    Raises:
        ModelingError: there is no such factory.
    """
    module, _, function = model.factory.partition(":")
    try:
        factory = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ModelingError(f"factory {model.factory!r} is declared but does not import: {error}") from error
    return factory(model.recipe)


def fit_candidate(data: TrainingSet, model: Model, threads: int = THREADS) -> Any:
    """Return the declared pipeline, fitted on the training part alone.

    What is judged on the holdout is what serves: it is not fitted again on all rows afterwards. A declared calibration
    is fitted on the last days of the training part, of which the model that scores them there knows nothing.

    Args:
        data: rows, parted.
        model: the declaration.
        threads: for OpenMP and BLAS; recorded, because the order of sums may hang on it.

    Raises:
        ModelingError: too few rows to fit, to calibrate or to judge, a single class, or an estimator that refuses the
            data.
    """
    require_rows(data.train, model.minimum_rows, "the training part")
    require_rows(data.holdout, 1, "the holdout")
    estimator = fit_frame(model_frame(data.train, model), data.train["label"].to_numpy(), model, threads)
    return estimator if model.calibration is None else _calibrated(estimator, data.train, model, threads)


def fit_frame(frame: pd.DataFrame, label: Numbers, model: Model, threads: int = THREADS) -> Any:
    """Return the declared pipeline, fitted on a frame of the model's columns and one label a row.

    Raises:
        ModelingError: a single class, or an estimator that refuses the data.
    """
    if model.kind == "binary" and label.min() == label.max():
        raise OneClass(f"all {len(label)} training labels are {label[0]:g}: nothing to tell apart")
    pipeline = pipeline_for(model)
    try:
        with fixed_threads(threads):
            return pipeline.fit(frame, label.astype(int) if model.kind == "binary" else label)
    except ValueError as error:
        # scikit-learn's word for data that an estimator cannot take.
        raise ModelingError(f"{model.factory} cannot be fitted: {error}") from error


def _calibrated(estimator: Any, train: pd.DataFrame, model: Model, threads: int) -> CalibratedClassifier:
    """Return a fitted estimator with the declared curve behind it.

    The curve is fitted on scores of another model, of the days before alone: on rows that an estimator was fitted on
    its scores are surer than they will be.
    """
    declared = model.calibration
    if declared is None:
        raise ValueError("no calibration is declared")
    (fold,) = walk_forward(
        train, folds=1, fold_days=declared.days, embargo_days=model.embargo_days, minimum_rows=model.minimum_rows
    )
    fit, held = train.iloc[fold.fit], train.iloc[fold.judged]
    before = fit_frame(model_frame(fit, model), fit["label"].to_numpy(), model, threads)
    score = scores_of(before, model_frame(held, model), model.kind)
    return CalibratedClassifier(estimator, declared.method).fit_curve(score, held["label"], held["partition"])


def fit_baseline(data: TrainingSet, model: Model) -> Any:
    """Return the baseline, fitted on the training part, or on all rows where that part is empty.

    Raises:
        TooFewRows: there is no labelled row at all.
    """
    rows = data.train if len(data.train) else pd.concat([data.purged, data.holdout])
    require_rows(rows, 1, "the training set")
    return baseline_for(model).fit(baseline_frame(rows, model), rows["label"].to_numpy())


def baseline_frame(rows: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Return the baseline's columns, numbers as float64 and categories as text."""
    by = model.baseline_by
    is_number = {name: pd.api.types.is_numeric_dtype(rows[name]) and name not in model.categorical for name in by}
    columns = model.model_copy(update={
        "numeric": tuple(name for name in by if is_number[name]),
        "categorical": tuple(name for name in by if not is_number[name]),
    })  # fmt: skip
    return model_frame(rows, columns)[list(by)]


def scores_of(estimator: Any, frame: pd.DataFrame, kind: str) -> Numbers:
    """Return one score a row: the probability of the event, or the expected value."""
    if not len(frame):
        return np.empty(0)
    with fixed_threads():
        found = estimator.predict_proba(frame)[:, 1] if kind == "binary" else estimator.predict(frame)
    return np.asarray(found, dtype="float64")
