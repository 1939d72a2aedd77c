"""What each feature costs: the CPU time that its source takes, how old it is at the decision, the tables behind it.

Time is measured by source, never by column: the columns of a source are made together. It is what goes when the inputs
that no other source reads are empty; where every input is shared, what goes when all of them are.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from catena.chain.featuring.features import input_rows
from catena.declaration import FeatureInput, Selection, SourceCost, UseCase
from catena.features import compute_features
from catena.lake import Lake
from catena.modeling.selected import FeatureCost
from catena.partitions import shift_day

_REPEATS = 3


def feature_costs(lake: Lake, usecase: UseCase, rule: Selection, train: pd.DataFrame) -> dict[str, FeatureCost]:
    """Return the cost of each column that the model takes.

    Args:
        train: rows of the training part; the view is timed on its last day, from the tables as they are now.
    """
    day, spine = str(train["partition"].iloc[-1]), usecase.features.spine_table
    timed = _Timed(usecase, input_rows(lake, usecase, [day]) if rule.sources else {}, day)
    of_source = {
        name: FeatureCost(
            name, timed.tables(source), timed.cpu_ms(rule, source), _age(lake, usecase, source, train, day),
            tuple(sorted(_sharing(rule, name))),
        )
        for name, source in rule.sources.items()
    }  # fmt: skip
    home = {column: name for name, columns in usecase.proof.sources.items() for column in columns}
    own = FeatureCost(spine, (spine,))
    return {
        column: of_source.get(home[column], FeatureCost(home[column])) if column in home else own
        for column in usecase.model.features
    }


@dataclass
class _Timed:
    """The feature view on one day, with and without inputs."""

    usecase: UseCase
    rows: Mapping[str, pa.Table]
    day: str

    def __post_init__(self) -> None:
        self._known: dict[frozenset[str], float] = {}

    def tables(self, source: SourceCost) -> tuple[str, ...]:
        """Return the lake tables that a source is made from."""
        inputs = {item.name: item.table for item in self.usecase.features.inputs}
        return tuple(dict.fromkeys(inputs[name] for name in source.inputs))

    def cpu_ms(self, rule: Selection, source: SourceCost) -> float | None:
        """Return what goes with a source, for 1,000 decisions; None where nothing was decided on that day."""
        shared = {name for other in rule.sources.values() if other is not source for name in other.inputs}
        gone = frozenset(source.inputs) - shared or frozenset(source.inputs)
        decisions = sum(1 for value in self.rows[self.usecase.features.spine_table]["partition"].to_pylist()
                        if value == self.day)  # fmt: skip
        if not decisions:
            return None
        return max(0.0, self._ms(frozenset()) - self._ms(gone)) * 1000 / decisions

    def _ms(self, without: frozenset[str]) -> float:
        """Return the CPU time of the view: the least of some repeats, since whatever disturbs only adds."""
        if without not in self._known:
            view = self.usecase.features
            silent = view.model_copy(update={"inputs": tuple(
                _silenced(item) if item.name in without else item for item in view.inputs
            )})  # fmt: skip
            static = {item.table for item in view.inputs if item.name in without and item.cut == "static"}
            rows = {name: found.slice(0, 0) if name in static else found for name, found in self.rows.items()}
            tables = {table.name: table for table in self.usecase.tables}
            taken = []
            for _ in range(_REPEATS):
                begun = time.process_time()
                compute_features(
                    silent, sql=self.usecase.sql(view.sql), tables=tables, rows=rows, partitions=[self.day]
                )
                taken.append(time.process_time() - begun)
            self._known[without] = 1000 * min(taken)
        return self._known[without]


def _silenced(item: FeatureInput) -> FeatureInput:
    """Return an input that reaches no partition, so that the SQL sees it without rows."""
    return item.model_copy(update={"lookback_days": -1})


def _sharing(rule: Selection, name: str) -> list[str]:
    """Return the other sources that read an input of a source."""
    own = set(rule.sources[name].inputs)
    return [other for other, source in rule.sources.items() if other != name and own & set(source.inputs)]


def _age(lake: Lake, usecase: UseCase, source: SourceCost, train: pd.DataFrame, day: str) -> float | None:
    """Return how many minutes old a source is at the decision, in the median; None for what has no history.

    By its own column over all rows; else, on one day, by the newest row that any of its inputs then held.
    """
    if source.age is not None:
        ages = pd.to_numeric(train[source.age]).dropna()
        return float(ages.median()) if len(ages) else None
    decided = train.loc[train["partition"] == day, "decision_at"]
    found = [
        age
        for item in usecase.features.inputs
        if item.name in source.inputs and item.cut != "static"
        and (age := _newest(lake, item, decided, day)) is not None
    ]  # fmt: skip
    return min(found, default=None)


def _newest(lake: Lake, item: FeatureInput, decided: Any, day: str) -> float | None:
    """Return the median age, in minutes, of the newest row of an input that a decision may use."""
    reach: Sequence[str] = [shift_day(day, -back) for back in range(item.lookback_days + 1)]
    rows = lake.read(item.table, sorted(reach), columns=[item.known_at])
    known = np.sort(pd.Series(rows[item.known_at].to_pandas()).dropna().to_numpy(dtype="datetime64[us]"))
    at = pd.Series(decided).dt.tz_convert(None).to_numpy(dtype="datetime64[us]")
    # What is cut by partition is the same for all decisions of a day: as of the first of them.
    asked = np.full(len(at), at.min()) if item.cut == "partition" and len(at) else at
    places = np.searchsorted(known, asked, side="right")
    ages = [(at[n] - known[place - 1]) / np.timedelta64(1, "m") for n, place in enumerate(places) if place]
    return float(statistics.median(ages)) if ages else None
