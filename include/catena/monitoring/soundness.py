"""Whether what served was sound: features as they were scored against what training has of them now, and the scores.

Pure; which rows served and which stand now belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from catena.monitoring.measures import Measure, finite

# Below this two numbers are the same: a sum in another order differs by as much.
RELATIVE = 1e-9


def skew(served: pd.DataFrame, now: pd.DataFrame, columns: Sequence[str]) -> list[Measure]:
    """Return the share of entities whose features differ between serving and training, over all and by column.

    An entity that only one side has differs. Columns without a difference are left out.

    Args:
        served: `entity` and the features that the first scoring of a day read.
        now: the same as the feature table has them, from which a training would learn.
        columns: the features.
    """
    both = served.merge(now, on="entity", how="outer", suffixes=("", "_now"), indicator=True)
    alone = (both["_merge"] != "both").to_numpy()
    any_differs, found = alone.copy(), []
    for column in columns:
        differs = alone | ~_same(both[column], both[f"{column}_now"])
        any_differs |= differs
        if differs.any():
            found.append(Measure("skew_share", 1, float(differs.mean()), len(both), "feature", column))
    share = float(any_differs.mean()) if len(both) else None
    return [Measure("skew_share", 1, share, len(both)), *found]


def no_skew(rows: int) -> list[Measure]:
    """Return the measure of a day whose features have not been written since they were scored."""
    return [Measure("skew_share", 1, 0.0, rows)]


def unknown_skew() -> list[Measure]:
    """Return the measure of a day whose features, as they were scored, are no longer kept."""
    return [Measure("skew_share", 1, None, 0)]


def stability(scored: pd.DataFrame, columns: Sequence[str], kind: Literal["binary", "regression"]) -> list[Measure]:
    """Return the share of scores that are no number or no probability, and of inputs that are missing.

    Args:
        scored: `score` and the features of one day.
        columns: the features.
        kind: of the model.
    """
    if scored.empty:
        return []
    score = scored["score"].to_numpy(dtype="float64")
    unsound = ~np.isfinite(score)
    if kind == "binary":
        unsound |= (score < 0) | (score > 1)
    missing = float(scored[list(columns)].isna().to_numpy().mean())
    return [
        Measure("unsound_score_share", 1, float(unsound.mean()), len(scored)),
        Measure("missing_input_share", 1, missing, len(scored)),
    ]


def score_jump(revisions: pd.DataFrame) -> list[Measure]:
    """Return the largest change of a score from one revision to the next by the same version on the same inputs.

    It should be zero: the same model on the same numbers. Null where no entity was scored twice so.

    Args:
        revisions: `entity`, `revision`, `score`, `model_version` and `inputs`, equal where a day's features are.
    """
    found = revisions.sort_values(["entity", "revision"])
    same = found["entity"].eq(found["entity"].shift())
    for column in ("model_version", "inputs"):
        same &= found[column].eq(found[column].shift())
    jumps = (found["score"] - found["score"].shift()).abs()[same]
    return [Measure("score_jump", 1, finite(jumps.max()) if len(jumps) else None, len(jumps))]


def _same(one: pd.Series, other: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    neither = one.isna().to_numpy() & other.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        left, right = one.to_numpy(dtype="float64", na_value=np.nan), other.to_numpy(dtype="float64", na_value=np.nan)
        close = np.isclose(left, right, rtol=RELATIVE, atol=0.0)
    else:
        close = (one == other).fillna(False).to_numpy(dtype=bool)
    return np.asarray(close | neither)
