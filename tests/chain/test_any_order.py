"""The same days in another order, without a scheduler: the contents are those of the scheduled chain."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.featuring.features import build_features
from catena.chain.ingesting.ingest import ingest_dataset, refresh_reference
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.monitor import monitor_partition
from catena.chain.watching.report import issue_report
from catena.declaration import UseCase
from catena.partitions import days, days_of_month, month_of, shift_month
from catena.run import Outcome, Run
from catena.workspace import Workspace

pytestmark = [
    pytest.mark.chain,
    pytest.mark.timeout(1800),
    # MLflow's own, about SQLAlchemy, pandas and pydantic, where it runs in this process and not in its server.
    pytest.mark.filterwarnings("ignore"),
]


class Hearsay:
    """Carries partitions from link to link as the DAGs do, each event once, in the order in which they come up."""

    def __init__(self, workspace: Workspace, usecase: UseCase) -> None:
        self._workspace, self._usecase = workspace, usecase
        self._events: deque[tuple[str, str]] = deque()
        self._with_features: set[str] = set()
        self._with_health: set[str] = set()

    def land(self, partitions: Sequence[str]) -> None:
        """Land days in one pass and let everything that follows from them happen."""
        changed: set[str] = set()
        for dataset in self._usecase.partitioned_datasets:
            run = Run(self._usecase.name, "ingest", f"shuffled-{dataset.name}-{partitions[0]}")
            outcome = ingest_dataset(self._workspace, self._usecase, dataset.name, partitions, run)
            changed.update(outcome.partitions if outcome.status == "published" else ())
        self._events.extend(("clean", each) for each in sorted(changed))
        while self._events:
            self._hear(*self._events.popleft())

    def _hear(self, event: str, key: str) -> None:
        if event == "clean":
            self._tell("features", self._run("features", build_features, key))
        elif event == "features":
            self._with_features.add(key)
            self._tell("predictions", self._run("score", score_partition, key))
            if self._with_features >= set(days_of_month(month_of(key))):
                self._tell("candidate", self._run("train", train_candidate, month_of(key)))
        elif event == "candidate":
            self._tell("champion", self._run("promote", promote_candidate, key))
        elif event == "champion":
            self._tell("predictions", self._run("score", score_partition, key))
            self._run("report", issue_report, shift_month(key, -1))
        elif event == "predictions":
            self._tell("health", self._run("monitor", monitor_partition, key))
        elif event == "health":
            self._with_health.add(key)
            if self._with_health >= set(days_of_month(month_of(key))):
                self._run("report", issue_report, month_of(key))

    def _run(self, link: str, function: Any, key: str) -> Outcome:
        outcome: Outcome = function(self._workspace, self._usecase, key, Run(self._usecase.name, link, f"{link}-{key}"))
        return outcome

    def _tell(self, event: str, outcome: Outcome) -> None:
        if outcome.status == "published":
            self._events.extend((event, key) for key in outcome.partitions)


def test_shuffled_days_give_the_same_contents(chain: Any, elsewhere: Workspace) -> None:
    """Thirty-four days, landed in random order and handfuls into another lake: each table and day is the same.

    So a backfill may run its days side by side, and late files cost nothing but time.
    """
    workspace, usecase = elsewhere, chain.usecase
    refresh_reference(workspace, usecase, Run(usecase.name, "reference", "shuffled"))
    window = days(chain.first, chain.last)
    chance = Random(20130101)
    shuffled, told = chance.sample(window, len(window)), Hearsay(workspace, usecase)
    while shuffled:
        handful = chance.randint(1, 5)
        told.land(shuffled[:handful])
        shuffled = shuffled[handful:]
    lake = workspace.lake(usecase)
    here = {name: lake.contents(name, window) for name in chain.scheduled}
    assert here == chain.scheduled
