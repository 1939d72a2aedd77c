"""The operator of the link `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class TrainCandidateOperator(LinkOperator):
    """Trains a candidate on everything known up to the end of a month, or off schedule up to the end of a day."""

    link = "train"
    grain = "day or month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.training.train import train_candidate

        return train_candidate(workspace, usecase, key, run)
