"""Great Expectations, asked which rows break an expectation.

What is expected follows from declared rules, in `catena.quality.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import numpy.typing as npt
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from tqdm import tqdm

Positions = npt.NDArray[np.int64]
_NOWHERE: Positions = np.array([], dtype=np.int64)


class RuleBroken(RuntimeError):
    """A rule could not be evaluated: its declaration is wrong, not the data."""


@cache
def batch_definition() -> Any:
    """Return the one asset that every frame is handed to; making it costs as much as several expectations."""
    # GX asks for progress bars even where none is shown, and the first one starts a thread that watches them.
    tqdm.monitor_interval = 0
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("lake").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("partitions")


def warm_up() -> None:
    """Ask one question of each kind: GX and pandas fill their tables at the first one, not when they are imported."""
    absent_and_untrue([np.array([True])], [np.array([True])])
    outside([np.array([1.0])], [(0.0, 2.0)])
    texts = pd.DataFrame({"text": ["a"]})
    breaking(texts, [gxe.ExpectColumnValuesToMatchRegex(column="text", regex="a")])


def breaking(frame: pd.DataFrame, expectations: Sequence[Any]) -> list[Positions]:
    """Return for each expectation the positions of the rows that break it.

    Args:
        frame: columns that the expectations speak of, with the default index.
        expectations: expectations on rows; none of them belongs to a suite yet.

    Raises:
        RuleBroken: GX could not evaluate an expectation.
    """
    found = [_NOWHERE] * len(expectations)
    if frame.empty or not expectations:
        return found
    # Whether all rows are good costs half of which ones are not, and most often they are.
    held = _validate(frame, {n: expectation.copy() for n, expectation in enumerate(expectations)}, "BOOLEAN_ONLY")
    broken = {n: expectations[n] for n, result in held.items() if not result.success}
    for n, result in _validate(frame, broken, "COMPLETE").items():
        found[n] = np.asarray(result.result["unexpected_index_list"], dtype=np.int64)
    return found


def absent_and_untrue(
    values: Sequence[npt.NDArray[np.bool_]], conditions: Sequence[npt.NDArray[np.bool_]]
) -> tuple[list[Positions], list[Positions]]:
    """Return for each column where it has no value, and for each condition where it does not hold.

    Args:
        values: for each column, whether a row has a value.
        conditions: for each condition, whether a row meets it; all arrays have one length.
    """
    rows = max((len(column) for column in (*values, *conditions)), default=0)
    at_once = pd.DataFrame(
        {
            "present": _presence(np.logical_and.reduce(values)) if values else 1.0,
            "held": np.logical_and.reduce(conditions) if conditions else True,
        },
        index=range(rows),
    )
    missing, failing = breaking(at_once, [_present("present"), _held("held")])
    # Few rows break anything: which of the rules they break is asked of those rows alone.
    return _each(missing, values, _presence, _present), _each(failing, conditions, np.asarray, _held)


def _presence(values: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.where(values, 1.0, np.nan)


def _present(column: str) -> Any:
    return gxe.ExpectColumnValuesToNotBeNull(column=column)


def _held(column: str) -> Any:
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True])


def _each(
    suspects: Positions,
    columns: Sequence[npt.NDArray[np.bool_]],
    as_asked: Callable[[npt.NDArray[np.bool_]], npt.NDArray[Any]],
    expected: Callable[[str], Any],
) -> list[Positions]:
    """Return which of the suspects break the expectation, for each column."""
    parts = [column[suspects] for column in columns]
    if not len(suspects):
        return [suspects] * len(columns)
    (positions,) = breaking(pd.DataFrame({"each": as_asked(np.concatenate(parts))}), [expected("each")])
    return [suspects[found] for found in _unstacked(positions, parts)]


def outside(
    values: Sequence[npt.NDArray[np.float64]], limits: Sequence[tuple[float | None, float | None]]
) -> list[Positions]:
    """Return for each column where a value lies outside its limits, which are allowed themselves.

    Args:
        values: numbers, NaN where there is none.
        limits: minimum and maximum of each column; None for no limit.
    """
    # All values lie within limits where the extremes do; which rows do not is asked of the other columns alone.
    ends = np.array(limits, dtype=np.float64).reshape(-1, 2)
    extremes = pd.DataFrame(
        {
            "lowest": [np.fmin.reduce(column, initial=np.nan) for column in values],
            "highest": [np.fmax.reduce(column, initial=np.nan) for column in values],
            "minimum": ends[:, 0],
            "maximum": ends[:, 1],
        }
    )
    low, high = breaking(extremes, [_at_least("lowest", "minimum"), _at_least("maximum", "highest")])
    found = [_NOWHERE] * len(values)
    for n in np.union1d(low, high):
        rows = pd.DataFrame({"value": values[n], "minimum": ends[n, 0], "maximum": ends[n, 1]})
        found[n] = np.union1d(*breaking(rows, [_at_least("value", "minimum"), _at_least("maximum", "value")]))
    return found


def _at_least(column: str, other: str) -> Any:
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=column, column_B=other, or_equal=True, ignore_row_if="either_value_is_missing"
    )


def _unstacked(positions: Positions, columns: Sequence[npt.NDArray[Any]]) -> list[Positions]:
    """Return positions in columns that stood below each other as positions in each of them.

    GX takes its time for each expectation and little for each row: columns of which the same is expected are judged as
    one.
    """
    starts = np.cumsum([0, *(len(column) for column in columns)])
    bounds = np.searchsorted(positions, starts)
    return [positions[first:last] - start for first, last, start in zip(bounds, bounds[1:], starts, strict=False)]


def _validate(frame: pd.DataFrame, expectations: dict[int, Any], result_format: str) -> dict[int, Any]:
    """Return GX's result of each expectation; it does not keep their order."""
    if not expectations:
        return {}
    for number, expectation in expectations.items():
        expectation.meta = {"number": number}
    suite = gx.ExpectationSuite(name="contract", expectations=list(expectations.values()))
    results = batch_definition().get_batch({"dataframe": frame}).validate(
        suite, result_format={"result_format": result_format, "include_unexpected_rows": False}
    ).results  # fmt: skip
    for result in results:
        if result.exception_info and result.exception_info.get("raised_exception", True):
            raise RuleBroken(f"{result.expectation_config.to_json_dict()}: {result.exception_info}")
    return {result.expectation_config.meta["number"]: result for result in results}
