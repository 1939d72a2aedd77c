"""Before a version may serve, its registered file scores real rows as scoring will; nothing of it is published.

What follows from it belongs in `catena.registry.checks`.
"""

from __future__ import annotations

import pandas as pd

from catena.chain.deciding.gate import Contender
from catena.chain.training.training_data import feature_columns, training_days
from catena.declaration import UseCase
from catena.governance import Entry
from catena.lake import Lake
from catena.modeling.state import scores_digest
from catena.registry.checks import Rehearsal
from catena.serving.predict import InvalidScore, SignatureMismatch, predict


def rehearse(lake: Lake, usecase: UseCase, candidate: Entry, challenger: Contender) -> Rehearsal | None:
    """Return how a challenger, as loaded from the registry, scores the newest day of its training window.

    All rows of the day, also those that never get a label: training leaves these out, serving does not. Its scores of
    the holdout are compared with the digest that the training recorded.

    Returns:
        None where no day of the window has features.
    """
    days = training_days(usecase, candidate.partition)
    features = usecase.features.table
    there = lake.contents(features, days)
    known = [day for day in days if there[day] is not None]
    if not known:
        return None
    rows: pd.DataFrame = lake.read(features, known[-1:], columns=feature_columns(usecase)).to_pandas()
    recorded = candidate.payload.get("fingerprints", {}).get(challenger.version["model_version"], {}).get("predictions")
    is_as_trained = None if recorded is None else recorded == scores_digest(challenger.scores)
    try:
        predict(challenger.estimator, rows, challenger.model, "challenger")
    except (SignatureMismatch, InvalidScore) as error:
        return Rehearsal(known[-1], len(rows), len(challenger.scores), is_as_trained, str(error))
    return Rehearsal(known[-1], len(rows), len(challenger.scores), is_as_trained)
