"""Where runs are grouped in MLflow: the experiment of a use case, found or made."""

from __future__ import annotations

from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def experiment_of(client: MlflowClient, tracking_uri: str, artifact_root: Path, name: str) -> str:
    """Return the id of the experiment of a name."""
    if (there := client.get_experiment_by_name(name)) is not None:
        return str(there.experiment_id)
    # A server decides itself where files go.
    location = None if tracking_uri.startswith("http") else (artifact_root / name).resolve().as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except MlflowException:
        # Another training made it first.
        if (there := client.get_experiment_by_name(name)) is None:
            raise
        return str(there.experiment_id)
