"""What a day's first scoring read, against what the feature table has of it now; and scores from revision to revision.

The first revision is what applications acted on; a training learns from the table as it is later. Both are the same
unless the day's features were written again in between, which the table's log tells without reading a row. What is
computed of them belongs in `catena.monitoring.soundness`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import pandas as pd
import pyarrow as pa

from catena import monitoring as watch
from catena.declaration import UseCase
from catena.lake import Lake, VersionGone


class ServedDays:
    """The scored days of a pass.

    Args:
        lake: of the use case.
        usecase: declaration.
        predictions: all revisions of the days: `partition`, `entity`, `revision`, `score`, `model_version`,
            `features_version`.
        columns_of: returns the features that a model version takes, whatever is declared now.
    """

    def __init__(
        self, lake: Lake, usecase: UseCase, predictions: pa.Table, columns_of: Callable[[str], Sequence[str]]
    ) -> None:
        self._lake = lake
        self._usecase = usecase
        self._scored = predictions.to_pandas()
        self._columns_of = columns_of

    def measures(self, day: str, now: pd.DataFrame) -> list[watch.Measure]:
        """Return the skew and the jumps of a day.

        Args:
            day: one of the pass.
            now: `entity` of the rows of the day that stand scored now.
        """
        low, high = self._scored["partition"].searchsorted([day, f"{day}~"])
        scored = self._scored.iloc[low:high]
        versions = scored.groupby("revision")["features_version"].first()
        first = int(versions.iloc[0])
        if self._written_after(day, first):
            found = self._skew(day, first, scored[scored["revision"] == versions.index[0]], now)
        else:
            found = watch.no_skew(len(now))
        if len(versions) == 1:
            return found
        # Two versions of the table hold the same features of a day where no commit between them wrote it.
        inputs = {
            revision: sum(1 for written in self._writes.get(day, ()) if written <= version)
            for revision, version in versions.items()
        }
        return [*found, *watch.score_jump(scored.assign(inputs=scored["revision"].map(inputs)))]

    def _skew(self, day: str, version: int, scored: pd.DataFrame, now: pd.DataFrame) -> list[watch.Measure]:
        """Return the skew of a day in the columns that its versions take: each row counts with those of its own."""
        table = self._usecase.features.table
        taken = {str(key): tuple(self._columns_of(str(key))) for key in scored["model_version"].unique()}
        columns = list(dict.fromkeys(name for each in taken.values() for name in each))
        try:
            before = self._lake.read(table, [day], columns=["entity", *columns], version=version).to_pandas()
        except VersionGone:
            return watch.unknown_skew()
        after = self._lake.read(table, [day], columns=["entity", *columns]).to_pandas()
        by = dict(zip(scored["entity"], scored["model_version"].astype(str), strict=True))
        before, after = before[before["entity"].isin(scored["entity"])], after[after["entity"].isin(now["entity"])]
        if len(taken) > 1:
            before, after = (_only_taken(side, by, taken, columns) for side in (before, after))
        return watch.skew(before, after, columns)

    def _written_after(self, day: str, version: int) -> bool:
        return any(written > version for written in self._writes.get(day, ()))

    @cached_property
    def _writes(self) -> dict[str, list[int]]:
        """Versions of the feature table that wrote each day, of those after the first one that a scoring read."""
        table = self._usecase.features.table
        current = self._lake.version(table)
        if current is None or self._scored.empty or (since := int(self._scored["features_version"].min())) >= current:
            return {}
        found: dict[str, list[int]] = {}
        for commit in self._lake.history(table, limit=current - since):
            for day in _days_of(commit.get("catena.partitions")):
                found.setdefault(day, []).append(int(commit["version"]))
        return found


def _days_of(recorded: str | None) -> Sequence[str]:
    """Return the days that a commit says it wrote; a compaction says none."""
    return [] if recorded is None else [str(day) for day in json.loads(recorded)]


def _only_taken(
    rows: pd.DataFrame, by: Mapping[str, str], taken: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> pd.DataFrame:
    """Return the rows without what their version does not take, so that it cannot differ."""
    version = rows["entity"].map(by)
    return rows.assign(**{
        name: rows[name].where(version.map({key: name in its for key, its in taken.items()}).fillna(True).astype(bool))
        for name in columns
    })  # fmt: skip
