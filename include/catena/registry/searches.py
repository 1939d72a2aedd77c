"""The trials of a search in MLflow: one run for the search, and below it one for each trial.

What a search concluded is the ledger's to say; MLflow is where trials are compared and plotted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from catena.registry.experiments import experiment_of

# MLflow's word for a run that somebody ended before its end.
_STATUS = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}


@dataclass(frozen=True)
class TrialRun:
    """What the run of a trial records.

    Attributes:
        by_fold: the metric on each fold that was done.
    """

    name: str
    state: str
    params: Mapping[str, Any]
    value: float | None
    by_fold: Sequence[float]
    tags: Mapping[str, str] = field(default_factory=dict)


class SearchLog:
    """Where the searches of one installation are logged.

    Args:
        tracking_uri: MLflow server, or a database.
        artifact_root: where files go if there is no server that decides it.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        self._client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        self._tracking_uri = tracking_uri
        self._artifact_root = artifact_root

    def keep(
        self, trials: Sequence[TrialRun], *, experiment: str, name: str, key: str, metric: str, tags: Mapping[str, str]
    ) -> str:
        """Log a search with its trials, unless its run is there and whole; return the id of its run.

        Args:
            key: the same for the same search; its run is finished last, so that half a search is logged again.
        """
        where = experiment_of(self._client, self._tracking_uri, self._artifact_root, experiment)
        is_it = f"tags.search_key = '{key}' AND attributes.status = 'FINISHED'"
        if there := self._client.search_runs([where], is_it, max_results=1):
            return str(there[0].info.run_id)
        parent = self._client.create_run(where, run_name=name, tags={**tags, "search_key": key})
        run_id, stamp = str(parent.info.run_id), int(parent.info.start_time)
        for trial in trials:
            self._keep_trial(where, run_id, metric, trial, stamp)
        values = [trial.value for trial in trials if trial.value is not None and trial.state == "complete"]
        self._client.log_batch(
            run_id,
            metrics=[Metric(metric, value, stamp, at) for at, value in enumerate(values)],
            params=[Param("trials", str(len(trials)))],
        )
        self._client.set_terminated(run_id, "FINISHED")
        return run_id

    def _keep_trial(self, experiment: str, parent: str, metric: str, trial: TrialRun, stamp: int) -> None:
        tags = {**trial.tags, "state": trial.state, MLFLOW_PARENT_RUN_ID: parent}
        run_id = self._client.create_run(experiment, run_name=trial.name, tags=tags).info.run_id
        metrics = [Metric(f"{metric}_by_fold", value, stamp, at) for at, value in enumerate(trial.by_fold)]
        metrics += [] if trial.value is None else [Metric(metric, trial.value, stamp, 0)]
        params = [Param(name, str(value)) for name, value in trial.params.items()]
        # All in one request: a server answers each in some ten milliseconds.
        self._client.log_batch(run_id, metrics=metrics, params=params)
        # Not `set_terminated`, which prints two lines for each of many.
        self._client.update_run(run_id, status=_STATUS[trial.state])
