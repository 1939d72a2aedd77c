"""The operator of the link `score`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import resolve_partition

if TYPE_CHECKING:
    from catena.workspace import Workspace


class ScorePartitionOperator(LinkOperator):
    """Scores a day with what serves on that day, or all days of a month once it is decided what serves in it."""

    link = "score"

    def key(self, usecase: UseCase) -> str:
        """Return the day or the month of this run."""
        grain = "month" if len(self.partition) == len("2013-01") else "day"
        return resolve_partition(self.partition, grain, usecase.calendar)  # type: ignore[arg-type]

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function for a day or for a month."""
        from catena.chain.readiness import until_settled
        from catena.chain.score import score_day, score_month

        score = score_month if len(key) == len("2013-01") else score_day
        return until_settled(lambda: score(workspace, usecase, key, run))
