"""The operator that builds what was trained a second time, a task of the link `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class ReplayTrainingOperator(LinkOperator):
    """Builds each version that was trained up to a month or day again from its record, once, and compares."""

    link = "train"
    grain = "day or month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.training.replay import replay_what_waits

        return replay_what_waits(workspace, usecase, key, run)
