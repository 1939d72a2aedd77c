"""What the scores of each part promised and what they proved to be, with intervals.

The intervals take days as units of chance; the estimate is that of `catena.monitoring.estimation`, which needs no
labels, so that a part whose labels have not come has one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from catena.monitoring.estimation import UNDEFINED, Bounded, estimates, proved
from catena.monitoring.measures import finite

# Smaller parts are left out: what they show is chance.
MINIMUM_ROWS = 100


def fulfilment(rows: pa.Table, told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return for each part the estimated and the realised metric, and the gap between them, with their intervals.

    Args:
        rows: `part`, `partition`, `score`, `label_value` (null where no label is known), ordered by part.
        told: `kind` of the model.
    """
    frame = rows.to_pandas()
    found = []
    for part, group in frame.groupby("part", sort=True):
        if len(group) < MINIMUM_ROWS:
            continue
        known = group[group["label_value"].notna()]
        label, score, day = (known[name].to_numpy() for name in ("label_value", "score", "partition"))
        row: dict[str, Any] = {
            "part": str(part), "first_day": group["partition"].min(), "last_day": group["partition"].max(),
            "days": int(group["partition"].nunique()), "scored": len(group), "labelled": len(known),
            "label_share": len(known) / len(group),
            "bias": finite(float(np.mean(score - label))) if len(known) else None,
        }  # fmt: skip
        if told["kind"] == "binary":
            row |= _told("estimated", estimates(group["score"].to_numpy()))
            realised, gaps = proved(label, score, day)
            row |= _told("gap", gaps) | _told("realised", realised)
        else:
            row |= _told("realised", proved(label, score, day, "regression")[0], ("mae",))
        found.append(row)
    return found


def _told(
    which: str, found: Mapping[str, Bounded], metrics: tuple[str, ...] = ("roc_auc", "brier")
) -> dict[str, float | None]:
    told: dict[str, float | None] = {}
    for metric in metrics:
        each = found.get(metric, UNDEFINED)
        told |= {f"{which}_{metric}": finite(each.value), f"{which}_{metric}_low": finite(each.low),
                 f"{which}_{metric}_high": finite(each.high)}  # fmt: skip
    return told
