"""Lets the registry's alias follow the deployment ledger, which alone says what serves."""

from __future__ import annotations

from catena.chain.deploying.deployments import Deployments, model_of
from catena.chain.training.training_data import open_registry, serving_name
from catena.declaration import UseCase
from catena.workspace import Workspace


def mirror(workspace: Workspace, usecase: UseCase, deployments: Deployments) -> str | None:
    """Set the alias to the model that serves after all that is recorded; return what went wrong, if anything.

    Where a baseline serves, or nothing, no model of that name does: the alias goes.
    """
    version = model_of(deployments.newest())
    number = None if version is None else int(version.rpartition("/")[2])
    return open_registry(workspace.settings).mirror_champion(serving_name(usecase), number)
