"""Declared rules as Great Expectations suites over exactly the partitions that are being processed.

Rules on rows run on the frame of rows, rules on partitions (`Volume`, `Fresh`) on a frame with one line a partition.
What follows from a failure belongs in `catena.quality.verdict` and in the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import great_expectations.expectations as gxe
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catena.arrow_sql import sql_over
from catena.declaration import Between, Column, Fresh, Holds, InSet, Matches, NotNull, Rule, Unique, Volume
from catena.partitions import DAY, shift_day, start_of
from catena.quality.expectations import Positions, RuleBroken, absent_and_untrue, breaking, outside
from catena.quality.verdict import Failures, Judgement, RuleResult

Trailing = Callable[[str, int], float | None]
"""(partition, days) -> mean rows of the trailing partitions that have rows, None where there are none."""


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
    on_partitions = [rule for rule in rules if isinstance(rule, (Volume, Fresh))]
    limited = {n: rule for n, rule in enumerate(on_rows) if isinstance(rule, Between)}
    measures = [_measure(rule, rows, partitions, trailing, arrived) for rule in on_partitions]
    beyond = outside(
        [*(_numbers(rows, rule) for rule in limited.values()), *measures],
        [_limits(rule) for rule in (*limited.values(), *on_partitions)],
    )
    broken = {**_by_place(limited, beyond[: len(limited)]), **_broken_rows(rows, on_rows, released)}
    failures = []
    for number, found in sorted(broken.items()):
        rule, shown = on_rows[number], ()
        column = _column(rule)
        if not len(found):
            continue
        if column and not isinstance(rule, NotNull):
            # As the rows have it: pandas makes 7 into 7.0 where the column has nulls.
            shown = tuple(rows[column].take(pa.array(found)).cast(pa.string()).to_pylist())
        failures.append(Failures(rule_name(rule), rule.severity, column, rule.reason, found, shown))
    whole = _results(partitions, on_partitions, measures, beyond[len(limited) :])
    return Judgement(tuple(failures), whole)


def _broken_rows(rows: pa.Table, rules: Sequence[Rule], released: npt.NDArray[np.bool_]) -> dict[int, Positions]:
    """Return the positions of the rows that break a rule without limits, by the rule's place."""
    needed = {n: rule for n, rule in enumerate(rules) if isinstance(rule, NotNull)}
    conditions = {n: rule for n, rule in enumerate(rules) if isinstance(rule, (Holds, Unique))}
    texts = {n: rule for n, rule in enumerate(rules) if isinstance(rule, (InSet, Matches))}
    frame = rows.select(list(dict.fromkeys(rule.column for rule in texts.values()))).to_pandas()
    missing, failing = absent_and_untrue(
        [rows[rule.column].is_valid().to_numpy() for rule in needed.values()],
        _held(rows, list(conditions.values()), released),
    )
    return {
        **_by_place(needed, missing),
        **_by_place(conditions, failing),
        **_by_place(texts, breaking(frame, [_text_expectation(rule) for rule in texts.values()])),
    }


def _by_place(rules: Mapping[int, Rule], found: Sequence[Positions]) -> dict[int, Positions]:
    return dict(zip(rules, found, strict=True))


def _numbers(rows: pa.Table, rule: Between) -> npt.NDArray[np.float64]:
    """Return a column as numbers, NaN where it has none."""
    try:
        numbers = rows[rule.column].cast(pa.float64(), safe=False)
    except pa.ArrowException as error:
        raise RuleBroken(f"{rule_name(rule)}: {rule.column} is {rows[rule.column].type}, no number") from error
    found: npt.NDArray[np.float64] = numbers.to_numpy()
    return found


def _limits(rule: Between | Volume | Fresh) -> tuple[float | None, float | None]:
    match rule:
        case Between():
            return rule.minimum, rule.maximum
        case Volume():
            return rule.minimum_ratio, rule.maximum_ratio
        case Fresh():
            return None, rule.within_hours


def _text_expectation(rule: InSet | Matches) -> Any:
    if isinstance(rule, InSet):
        return gxe.ExpectColumnValuesToBeInSet(column=rule.column, value_set=list(rule.values))
    return gxe.ExpectColumnValuesToMatchRegex(column=rule.column, regex=rule.pattern)


def _column(rule: Rule) -> str:
    return "" if isinstance(rule, (Holds, Unique, Volume)) else rule.column


def _held(
    rows: pa.Table, rules: Sequence[Holds | Unique], released: npt.NDArray[np.bool_]
) -> list[npt.NDArray[np.bool_]]:
    """Return for each rule which rows meet it."""
    if not rules:
        return []
    rows_in_order = rows.append_column("_row", pa.array(np.arange(rows.num_rows)))
    rows_in_order = rows_in_order.append_column("_released", pa.array(released))
    select = ", ".join(f'{_condition(rule, rows.column_names)} AS "{n}"' for n, rule in enumerate(rules))
    with sql_over({"rows": rows_in_order}) as connection:
        found = connection.sql(f"SELECT {select}, _row FROM rows ORDER BY _row").to_arrow_table()  # noqa: S608
    return [found[str(n)].to_numpy() for n in range(len(rules))]


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


def _results(
    partitions: Sequence[str],
    rules: Sequence[Volume | Fresh],
    measures: Sequence[npt.NDArray[np.float64]],
    broken: Sequence[Positions],
) -> dict[str, tuple[RuleResult, ...]]:
    """Return how each partition fares by the rules on partitions."""
    results: dict[str, list[RuleResult]] = {key: [] for key in partitions}
    for rule, measured, bad in zip(rules, measures, broken, strict=True):
        unit = " times the trailing mean" if isinstance(rule, Volume) else " hours before the partition's end"
        for position, (key, value) in enumerate(zip(partitions, measured, strict=True)):
            seen = "no history" if np.isnan(value) else f"{value:.2f}{unit}"
            results[key].append(
                RuleResult(rule_name(rule), rule.severity, _column(rule), rule.reason, position not in bad, 0, seen)
            )
    return {key: tuple(found) for key, found in results.items()}


def _measure(
    rule: Volume | Fresh, rows: pa.Table, partitions: Sequence[str], trailing: Trailing, arrived: Mapping[str, int]
) -> npt.NDArray[np.float64]:
    """Return what the rule looks at, for each partition; NaN where there is nothing to compare with."""
    if isinstance(rule, Volume):
        means = {key: trailing(key, rule.trailing_days) for key in partitions}
        return np.array([arrived.get(key, 0) / mean if (mean := means[key]) else np.nan for key in partitions])
    found = rows.group_by("partition").aggregate([(rule.column, "max")])
    newest = dict(zip(found["partition"].to_pylist(), found[f"{rule.column}_max"].to_pylist(), strict=True))
    return np.array(
        [
            (start_of(shift_day(key, 1)) - newest[key]).total_seconds() / 3600
            if DAY.fullmatch(key) and newest.get(key) is not None
            else np.nan
            for key in partitions
        ]
    )
