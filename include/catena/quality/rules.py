"""Declared rules as Great Expectations suites over exactly the partitions that are being processed.

Rules on rows run on the frame of rows, rules on partitions (`Volume`, `Fresh`) on a frame with one line a partition.
What follows from a failure belongs in `catena.quality.verdict` and in the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import duckdb
import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from great_expectations.data_context.types.base import ProgressBarsConfig

from catena.declaration import Between, Column, Fresh, Holds, InSet, Matches, NotNull, Rule, Unique, Volume
from catena.partitions import DAY, shift_day, start_of
from catena.quality.verdict import Failures, Judgement, RuleResult

Trailing = Callable[[str, int], float | None]
"""(partition, days) -> mean rows of the trailing partitions that have rows, None where there are none."""
_LARGE = 20_000
_RESULT = {"result_format": "COMPLETE", "include_unexpected_rows": False}


class RuleBroken(RuntimeError):
    """A rule could not be evaluated: its declaration is wrong, not the data."""


def rule_name(rule: Rule) -> str:
    """Return the short name under which a rule stands in verdicts and in the quarantine."""
    match rule:
        case Holds():
            return rule.name
        case Unique():
            return f"unique({'+'.join(rule.columns)})"
        case Volume():
            return f"volume({rule.minimum_ratio:g}..{rule.maximum_ratio:g})"
        case _:
            return f"{rule.kind}({rule.column})"


def implied(columns: Sequence[Column], rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules with those that follow from columns declared not nullable."""
    stated = {rule.column for rule in rules if isinstance(rule, NotNull)}
    return (
        *(
            NotNull(column=column.name, severity="quarantine", reason="The column is declared as never empty.")
            for column in columns
            if not column.nullable and column.name not in stated
        ),
        *rules,
    )


def judge(
    rows: pa.Table,
    rules: Sequence[Rule],
    partitions: Sequence[str],
    *,
    trailing: Trailing,
    released: npt.NDArray[np.bool_],
    arrived: Mapping[str, int],
) -> Judgement:
    """Return the rows that break rules, and how each partition fares by the rules on partitions.

    Args:
        rows: typed rows with the column `partition`.
        rules: declared rules.
        partitions: keys that are processed, also those without rows.
        trailing: row counts of earlier partitions.
        released: rows that a person let pass; of equal keys a released row is the one that stays.
        arrived: rows that came in, for each partition.
    """
    on_rows = [rule for rule in rules if not isinstance(rule, (Volume, Fresh))]
    failures = []
    for number, found in sorted(_broken_rows(rows, on_rows, released).items()):
        rule, shown = on_rows[number], ()
        column = _column(rule)
        if column and not isinstance(rule, NotNull):
            # As the rows have it: pandas makes 7 into 7.0 where the column has nulls.
            shown = tuple(rows[column].take(pa.array(found)).cast(pa.string()).to_pylist())
        failures.append(Failures(rule_name(rule), rule.severity, column, rule.reason, found, shown))
    return Judgement(tuple(failures), _judge_partitions(rows, rules, partitions, trailing, arrived))


def _broken_rows(
    rows: pa.Table, rules: Sequence[Rule], released: npt.NDArray[np.bool_]
) -> dict[int, npt.NDArray[np.int64]]:
    """Return the positions of the rows that break a rule, by the rule's place; a rule that holds is not there."""
    if not rows.num_rows:
        return {}
    conditions = {number: rule for number, rule in enumerate(rules) if isinstance(rule, (Holds, Unique))}
    others = {number: rule for number, rule in enumerate(rules) if number not in conditions}
    frame = rows.select(list(dict.fromkeys(_column(rule) for rule in others.values()))).to_pandas()
    results = _validate(frame, [_row_expectation(rule) for rule in others.values()])
    broken = {number: _positions(result) for number, result in zip(others, results, strict=True)}
    if conditions:
        # GX takes its time for each expectation, not for each row: all conditions stand below each other in one column.
        held = pd.DataFrame({"held": _held(rows, list(conditions.values()), released)})
        places, found = divmod(
            _positions(*_validate(held, [gxe.ExpectColumnValuesToBeInSet(column="held", value_set=[True])])),
            rows.num_rows,
        )
        broken |= {number: found[places == place] for place, number in enumerate(conditions)}
    return {number: found for number, found in broken.items() if len(found)}


def _positions(result: Any) -> npt.NDArray[np.int64]:
    return np.asarray(result.result["unexpected_index_list"] if not result.success else [], dtype=np.int64)


@cache
def _batch_definition() -> Any:
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("lake").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("partitions")


def _validate(frame: pd.DataFrame, expectations: list[Any]) -> list[Any]:
    """Return the results in the order of the expectations, which GX does not keep."""
    for number, expectation in enumerate(expectations):
        expectation.meta = {"number": number}
    groups: dict[str, list[Any]] = {}
    for expectation in expectations:
        # GX copies the frame for each expectation: of a large one it is given only the column that it looks at.
        groups.setdefault(expectation.column if len(frame) > _LARGE else "", []).append(expectation)
    results = []
    for column, group in groups.items():
        batch = _batch_definition().get_batch({"dataframe": frame[[column]] if column else frame})
        suite = gx.ExpectationSuite(name="contract", expectations=group)
        results.extend(batch.validate(suite, result_format=_RESULT).results)
    for result in results:
        if result.exception_info and result.exception_info.get("raised_exception", True):
            raise RuleBroken(f"{result.expectation_config.to_json_dict()}: {result.exception_info}")
    return sorted(results, key=lambda result: result.expectation_config.meta["number"])


def _row_expectation(rule: Rule) -> Any:
    match rule:
        case Between():
            return gxe.ExpectColumnValuesToBeBetween(column=rule.column, min_value=rule.minimum, max_value=rule.maximum)
        case InSet():
            return gxe.ExpectColumnValuesToBeInSet(column=rule.column, value_set=list(rule.values))
        case Matches():
            return gxe.ExpectColumnValuesToMatchRegex(column=rule.column, regex=rule.pattern)
        case _:
            return gxe.ExpectColumnValuesToNotBeNull(column=_column(rule))


def _column(rule: Rule) -> str:
    return "" if isinstance(rule, (Holds, Unique, Volume)) else rule.column


def _held(rows: pa.Table, rules: Sequence[Holds | Unique], released: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return for each rule, one after the other, which rows meet it."""
    rows_in_order = rows.append_column("_row", pa.array(np.arange(rows.num_rows)))
    rows_in_order = rows_in_order.append_column("_released", pa.array(released))
    select = ", ".join(f'{_condition(rule, rows.column_names)} AS "{n}"' for n, rule in enumerate(rules))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", rows_in_order)
        found = connection.sql(f"SELECT {select}, _row FROM rows ORDER BY _row").to_arrow_table()  # noqa: S608
    return np.concatenate([found[str(n)].to_numpy() for n in range(len(rules))])


def _condition(rule: Holds | Unique, names: Sequence[str]) -> str:
    if isinstance(rule, Holds):
        # Null counts as held; an expression that cannot be computed for a row does not.
        return f"coalesce(TRY(coalesce(({rule.expression}), TRUE)), FALSE)"
    key = ", ".join(["partition", *(f'"{name}"' for name in rule.columns)])
    same = ", ".join(f'"{name}"' for name in names)
    # Of equal rows the first stays; of rows that contradict each other none does, unless a person released one.
    return (
        f"(row_number() OVER (PARTITION BY {key} ORDER BY _released DESC, _row) = 1 AND (_released OR "
        f"min(hash({same})) OVER (PARTITION BY {key}) = max(hash({same})) OVER (PARTITION BY {key})) "
        f"OR {_any_null(rule)})"
    )


def _any_null(rule: Unique) -> str:
    return "(" + " OR ".join(f'"{name}" IS NULL' for name in rule.columns) + ")"


def _judge_partitions(
    rows: pa.Table, rules: Sequence[Rule], partitions: Sequence[str], trailing: Trailing, arrived: Mapping[str, int]
) -> dict[str, tuple[RuleResult, ...]]:
    whole = [rule for rule in rules if isinstance(rule, (Volume, Fresh))]
    results: dict[str, list[RuleResult]] = {key: [] for key in partitions}
    if not whole or not partitions:
        return dict.fromkeys(partitions, ())
    frame = pd.DataFrame(
        {f"rule {n}": _measure(rule, rows, partitions, trailing, arrived) for n, rule in enumerate(whole)}
    )
    expectations = [
        gxe.ExpectColumnValuesToBeBetween(
            column=f"rule {n}",
            min_value=rule.minimum_ratio if isinstance(rule, Volume) else None,
            max_value=rule.maximum_ratio if isinstance(rule, Volume) else rule.within_hours,
        )
        for n, rule in enumerate(whole)
    ]
    for n, (rule, result) in enumerate(zip(whole, _validate(frame, expectations), strict=True)):
        bad = set(result.result.get("unexpected_index_list") or [])
        for position, key in enumerate(partitions):
            value = frame[f"rule {n}"].iloc[position]
            unit = " times the trailing mean" if isinstance(rule, Volume) else " hours before the partition's end"
            seen = "no history" if pd.isna(value) else f"{value:.2f}{unit}"
            results[key].append(
                RuleResult(rule_name(rule), rule.severity, _column(rule), rule.reason, position not in bad, 0, seen)
            )
    return {key: tuple(found) for key, found in results.items()}


def _measure(
    rule: Volume | Fresh, rows: pa.Table, partitions: Sequence[str], trailing: Trailing, arrived: Mapping[str, int]
) -> list[float]:
    if isinstance(rule, Volume):
        means = {key: trailing(key, rule.trailing_days) for key in partitions}
        return [arrived.get(key, 0) / mean if (mean := means[key]) else np.nan for key in partitions]
    found = rows.group_by("partition").aggregate([(rule.column, "max")])
    newest = dict(zip(found["partition"].to_pylist(), found[f"{rule.column}_max"].to_pylist(), strict=True))
    return [
        (start_of(shift_day(key, 1)) - newest[key]).total_seconds() / 3600
        if DAY.fullmatch(key) and newest.get(key) is not None
        else np.nan
        for key in partitions
    ]
