"""The operator of the link `score`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class ScorePartitionOperator(LinkOperator):
    """Scores the days of a month, or one day, with what serves then."""

    link = "score"
    grain = "day or month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.scoring.score import score_partition

        return score_partition(workspace, usecase, key, run)
