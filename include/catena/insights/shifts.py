"""How far columns have moved within a period, and since the period before: monitoring's own measures of drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from catena.insights.associations import is_number
from catena.monitoring import references
from catena.monitoring.drift import Drift
from catena.monitoring.measures import finite


def shifts(rows: pa.Table, _told: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the drift of each column, the largest first.

    `halves_psi` and `halves_effect` compare the second half of the period with its first, `before_psi` and
    `before_effect` the period with the one before it; None where there is nothing to compare with. The effect is the
    Kolmogorov-Smirnov distance of a number and Cramer's V of a category.

    Args:
        rows: `part` (`before`, `first` or `second`) and the columns; those that are neither number, text nor boolean
            are left out.
    """
    names = [name for name in rows.column_names if name != "part"]
    numeric = [name for name in names if is_number(rows[name].type)]
    categories = [name for name in names if pa.types.is_string(rows[name].type) or pa.types.is_boolean(rows[name].type)]
    frame = rows.select(["part", *numeric, *categories]).to_pandas()
    parts = {part: frame[frame["part"] == part] for part in ("before", "first", "second")}
    whole = frame[frame["part"] != "before"]
    halves = _drift(parts["first"], parts["second"], numeric, categories)
    before = _drift(parts["before"], whole, numeric, categories)
    found = [
        {"name": name, "rows": len(whole), "before_rows": len(parts["before"]), **_numbers("halves", halves.get(name)),
         **_numbers("before", before.get(name))}
        for name in (*numeric, *categories)
    ]  # fmt: skip
    return sorted(found, key=lambda row: (-max(row["halves_psi"] or 0.0, row["before_psi"] or 0.0), row["name"]))


def _drift(
    reference: pd.DataFrame, current: pd.DataFrame, numeric: list[str], categories: list[str]
) -> dict[str, Drift]:
    if current.empty:
        return {}
    return {name: each.compare(current[name]) for name, each in references(reference, numeric, categories).items()}


def _numbers(which: str, drift: Drift | None) -> dict[str, float | None]:
    return {
        f"{which}_psi": finite(drift.psi) if drift else None,
        f"{which}_effect": finite(drift.effect) if drift else None,
    }
