"""The operator of the link `features`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class BuildFeaturesOperator(LinkOperator):
    """Makes the features of a day, and of later days that had been waiting for it or rest on it."""

    link = "features"
    grain = "day"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.featuring.features import build_features
        from catena.chain.readiness import until_settled

        return until_settled(lambda: build_features(workspace, usecase, key, run))
