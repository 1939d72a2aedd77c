"""What a model's scores rest on: each column shuffled, each source taken away, each prediction taken apart. Pure.

Contributions are Shapley values by sampled orders (Štrumbelj and Kononenko, 2014), for any model: a reference row is
turned into the explained one column by column, and each step is credited to its column. They add up exactly to the
score minus the mean score of the references, whatever is sampled. With correlated columns a shuffle or a step makes
rows that do not occur, so that the credit is shared among them; a source taken away as a whole does not suffer from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from catena.modeling.bootstrap import Interval, Resampling, gain_interval
from catena.modeling.judged import Judged, Numbers, Score

# Rows that are scored for each column, and the most shuffles of few rows: with 6,000 rows the luck of one shuffle is
# small beside that of the days.
_SHUFFLED_ROWS, _MOST_SHUFFLES = 6000, 10


@dataclass(frozen=True)
class Robustness:
    """What is left of a model without a source.

    Attributes:
        loss: of the metric, paired; None where the model refuses such rows.
        reason: what the model said when it refused; empty otherwise.
    """

    source: str
    columns: tuple[str, ...]
    loss: Interval | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        loss = None if self.loss is None else self.loss.as_dict()
        return {"source": self.source, "columns": list(self.columns), "loss": loss, "reason": self.reason}


def without_sources(
    judged: Judged, sources: Mapping[str, tuple[str, ...]], metric: str, resampling: Resampling
) -> list[Robustness]:
    """Return what a metric loses when all columns of a source are missing; of a source it takes none of, nothing.

    A source whose columns it takes in part is taken away by that part.
    """
    found = []
    for source, named in sources.items():
        columns = tuple(name for name in named if name in judged.frame.columns)
        if not columns:
            continue
        try:
            scores = judged.scores_with(dict.fromkeys(columns))
        except ValueError as error:
            # scikit-learn's word for an estimator that cannot take missing values.
            found.append(Robustness(source, columns, None, str(error).splitlines()[0]))
            continue
        loss = gain_interval(metric, judged.label, (judged.scores, scores), judged.day, resampling)
        found.append(Robustness(source, columns, loss))
    return found


def permutation_importance(
    judged: Judged, metric: str, resampling: Resampling, *, repeats: int | None = None, blocks: Any = None
) -> list[tuple[str, Interval]]:
    """Return what a metric loses, on the mean of some shuffles, when a column is shuffled over the judged rows.

    The shuffles are the same for all columns. The interval, by days, is of the rows; it holds the luck of the shuffle
    only as far as that differs by day.

    Args:
        repeats: shuffles of each column; None: the fewer rows there are, the more of them.
        blocks: one value a row; rows are shuffled among those with the same one. None: among all.

    Returns:
        Columns with the interval of their loss, the largest loss first.
    """
    chance = np.random.default_rng(resampling.seed)
    if repeats is None:
        repeats = min(_MOST_SHUFFLES, max(1, _SHUFFLED_ROWS // max(1, len(judged.frame))))
    orders = [_shuffled(chance, len(judged.frame), blocks) for _ in range(repeats)]
    found = []
    for column in judged.frame.columns:
        values = judged.frame[column].to_numpy()
        if (values == values[:1]).all():
            # One value throughout: a shuffle changes nothing.
            others = [judged.scores]
        else:
            others = [judged.scores_with({column: values[order]}) for order in orders]
        loss = gain_interval(metric, judged.label, (judged.scores, *others), judged.day, resampling)
        found.append((str(column), loss))
    return sorted(found, key=lambda item: -(item[1].estimate or 0.0))


def _shuffled(chance: np.random.Generator, rows: int, blocks: Any) -> npt.NDArray[np.intp]:
    """Return the places of rows in another order, in which each block keeps its places."""
    order = np.arange(rows)
    for places in [order] if blocks is None else [np.flatnonzero(blocks == block) for block in np.unique(blocks)]:
        order[places] = chance.permutation(places)
    return order


@dataclass(frozen=True)
class Contribution:
    """What a column's value adds to one score.

    Attributes:
        standard_error: from the sampled references and orders.
    """

    column: str
    value: float | str | None
    amount: float
    standard_error: float


@dataclass(frozen=True)
class Explained:
    """One score, taken apart: `reference` and all contributions add up to it.

    Attributes:
        reference: mean score of the references.
        contributions: of all columns, the largest first.
    """

    score: float
    reference: float
    contributions: tuple[Contribution, ...]


def contributions(score: Score, row: pd.DataFrame, references: pd.DataFrame, seed: int) -> Explained:
    """Return what each column adds to the score of a row, against reference rows.

    Args:
        score: gives one score for each row of a frame.
        row: a frame of one row.
        references: rows to start from, such as some of the training part.
        seed: of the orders; each reference is walked in one order and in its reverse.
    """
    columns, chance = list(row.columns), np.random.default_rng(seed)
    width, count = len(columns), len(references)
    forth = np.argsort(chance.random((count, width)), axis=1)
    # Place of each column in each walk.
    places = np.concatenate([forth, width - 1 - forth])
    steps = np.arange(width + 1)
    walked = {
        name: np.where(
            steps > places[:, [at]], row[name].to_numpy()[0], np.tile(references[name].to_numpy(), 2)[:, None]
        ).ravel()
        for at, name in enumerate(columns)
    }
    frame = pd.DataFrame({name: pd.Series(values, dtype=row[name].dtype) for name, values in walked.items()})
    scores: Numbers = score(frame).reshape(2 * count, width + 1)
    gained = np.take_along_axis(np.diff(scores, axis=1), places, axis=1)
    # A walk and its reverse start from the same reference: one observation.
    paired = (gained[:count] + gained[count:]) / 2
    errors = paired.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(width, np.nan)
    found = [
        Contribution(name, _plain(row[name].iloc[0]), float(paired[:, at].mean()), float(errors[at]))
        for at, name in enumerate(columns)
    ]
    ordered = sorted(found, key=lambda item: -abs(item.amount))
    return Explained(float(scores[:, -1].mean()), float(scores[:, 0].mean()), tuple(ordered))


@dataclass(frozen=True)
class Share:
    """How much of all scores a column moves.

    Attributes:
        amount: mean size of its contribution over some rows, whatever its sign.
        standard_error: over the rows.
    """

    column: str
    amount: float
    standard_error: float


def shares(score: Score, rows: pd.DataFrame, references: pd.DataFrame, seed: int) -> list[Share]:
    """Return the mean size of each column's contribution over rows, the largest first.

    The luck of the sampled orders makes a size larger, never smaller: of a column without part it is exactly 0, of one
    with little part it is a bound.

    Args:
        rows: to be explained, one by one.
        references: as for `contributions`.
    """
    sizes: dict[str, list[float]] = {str(name): [] for name in rows.columns}
    for place in range(len(rows)):
        for item in contributions(score, rows.iloc[[place]], references, seed).contributions:
            sizes[item.column].append(abs(item.amount))
    found = [
        Share(name, float(np.mean(of)), float(np.std(of, ddof=1) / np.sqrt(len(of))) if len(of) > 1 else 0.0)
        for name, of in sizes.items()
    ]
    return sorted(found, key=lambda item: -item.amount)


def _plain(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
