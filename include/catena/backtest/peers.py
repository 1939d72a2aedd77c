"""Peers: models that are fitted each month on a monthly training's rows, and score the next month, without a gate."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from catena.backtest.figures import measured, summary
from catena.backtest.plan import Peer
from catena.chain.training.training_data import TrainingTables, training_days
from catena.declaration import Model, UseCase
from catena.modeling.dataset import TrainingSet, model_frame, split_in_time
from catena.modeling.threads import fixed_threads
from catena.modeling.train import fit_baseline
from catena.partitions import shift_month
from catena.serving.predict import predict
from catena.workspace import Workspace

_RARE_ROWS = 50
_ITERATIONS = 1000


class Fitted:
    """Peers of one month, fitted on the training rows of the month before.

    Args:
        source: where features and labels are.
    """

    def __init__(self, source: Workspace, usecase: UseCase, month: str) -> None:
        self._usecase = usecase
        tables = TrainingTables(source.lake(usecase), source.ledger, usecase)
        key, model = shift_month(month, -1), usecase.model
        rows = tables.rows(key, tables.versions())
        self._data: TrainingSet = split_in_time(
            rows, training_days(usecase, key)[-1], model.validation_days, model.embargo_days
        )

    def figures(self, peer: Peer, labelled: pd.DataFrame) -> tuple[dict[str, Any], float]:
        """Return a peer's metrics on the rows of the month, and the CPU seconds that it took."""
        before, model = time.process_time(), self._usecase.model
        if peer.kind == "baseline":
            scores = predict(fit_baseline(self._data, model), labelled, model, "baseline")
        else:
            label = self._data.train["label"].to_numpy()
            with fixed_threads():
                fitted = peer_pipeline(peer, model).fit(
                    model_frame(self._data.train, model), label.astype(int) if model.kind == "binary" else label
                )
            scores = predict(fitted, labelled, model, "challenger")
        return measured(self._usecase, labelled["label"], scores), time.process_time() - before


def peer_pipeline(peer: Peer, model: Model) -> Pipeline:
    """Return the unfitted pipeline of a peer, on the features that the use case declares; nothing of it is tuned."""
    if peer.kind == "linear":
        rare = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RARE_ROWS)
        numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        last = LogisticRegression(max_iter=_ITERATIONS) if model.kind == "binary" else Ridge()
    else:
        rare = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
        numbers = "passthrough"
        trees = HistGradientBoostingClassifier if model.kind == "binary" else HistGradientBoostingRegressor
        last = trees(random_state=model.seed)
    columns = ColumnTransformer([("categories", rare, list(model.categorical)), ("numbers", numbers,
                                                                                  list(model.numeric))])  # fmt: skip
    return Pipeline([("columns", columns), ("model", last)])


def peer_result(peer: Peer, by_month: dict[str, dict[str, Any]], cpu_s: float) -> dict[str, Any]:
    """Return what a peer came to."""
    return {
        "name": peer.name, "says": peer.says, "declared": peer.model_dump(), "months": by_month,
        "summary": summary(by_month), "cpu": {"fits_and_scores": cpu_s},
    }  # fmt: skip
