"""Model versions in MLflow: a run with its evidence, a registered version, the file, the alias that mirrors the ledger.

Which version serves is the ledger's to say; how the file is checked belongs in `catena.registry.model_file`.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.artifacts
import mlflow.sklearn
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import Model, infer_signature

from catena.registry.environment import environment, requirements
from catena.registry.experiments import experiment_of
from catena.registry.model_file import check_types, digest_of, load_checked

LOG = logging.getLogger(__name__)
CHAMPION = "champion"
_FILE = "model.skops"
_LOADED: dict[str, Any] = {}


@dataclass(frozen=True)
class ModelVersion:
    """A registered version; `key` is what tables and ledger call it."""

    name: str
    version: int
    run_id: str
    sha256: str

    @property
    def key(self) -> str:
        """Registered name and version, as `flight_delays/3`."""
        return f"{self.name}/{self.version}"

    def as_dict(self) -> dict[str, str]:
        """Return what a ledger entry needs in order to load the version."""
        return {"model_version": self.key, "run_id": self.run_id, "sha256": self.sha256}


@dataclass(frozen=True)
class Registered(ModelVersion):
    """A version as the registry tells of it.

    Attributes:
        month: its training month, None where it was registered by hand.
    """

    month: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What a run records besides the model.

    Attributes:
        training_key: the same for the same month, dataset and code; a version with it is not made again.
        metrics: undefined ones (None) are left out.
        documents: name of a JSON file -> its content.
    """

    training_key: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    tags: Mapping[str, str]
    documents: Mapping[str, Any]
    input_example: pd.DataFrame
    example_scores: Any


class Registry:
    """The registry of one installation.

    Args:
        tracking_uri: MLflow server, or a database.
        artifact_root: where files go if there is no server that decides it.
        cache: folder in which files of versions are kept after their first download.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path, cache: Path) -> None:
        self._client = MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        self._tracking_uri = tracking_uri
        self._artifact_root = artifact_root
        self._cache = cache

    @property
    def client(self) -> MlflowClient:
        """MLflow's own client, for what goes from one registry to another."""
        return self._client

    @property
    def tracking_uri(self) -> str:
        """Address of the registry."""
        return self._tracking_uri

    def find(self, name: str, training_key: str) -> ModelVersion | None:
        """Return the version that was made under a training key, None where there is none."""
        found = self._client.search_model_versions(f"name = '{name}' AND tags.`training_key` = '{training_key}'")
        return min((_version(item) for item in found), key=lambda item: item.version, default=None)

    def described(self, name: str, version: int) -> Registered | None:
        """Return a version with what the registry tells of it, None where there is none."""
        try:
            found = self._client.get_model_version(name, str(version))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return Registered(name, version, str(found.run_id), str(found.tags["sha256"]), found.tags.get("month"))

    def register(
        self, name: str, estimator: Any, evidence: Evidence, trusted: Sequence[str], *, experiment: str
    ) -> ModelVersion:
        """Log a run and register its model; return the version that already exists for the same training key.

        Raises:
            UntrustedModel: the estimator holds types that are not reviewed.
        """
        if there := self.find(name, evidence.training_key):
            return there
        run = self._client.create_run(
            self.experiment(experiment), run_name=f"{name} {evidence.tags.get('month', '')}".strip(),
            tags={**evidence.tags, "training_key": evidence.training_key},
        )  # fmt: skip
        run_id = run.info.run_id
        try:
            sha256 = self._log(run_id, estimator, evidence, trusted)
        except Exception:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id, "FINISHED")
        tags = {**evidence.tags, "training_key": evidence.training_key, "sha256": sha256}
        return self.enlist(name, run_id, f"{run.info.artifact_uri}/model", tags)

    def load(self, model_version: str, sha256: str, trusted: Sequence[str]) -> Any:
        """Return the estimator of a version; kept in this process, its file on this machine.

        Raises:
            ModelTampered: the registry delivers another file than was registered.
            UntrustedModel: it holds types that are not reviewed.
        """
        if sha256 not in _LOADED:
            file = self._cache / f"{sha256}.skops"
            if not file.exists():
                self._download(model_version, file)
            _LOADED[sha256] = load_checked(file, sha256, trusted)
        return _LOADED[sha256]

    def size_bytes(self, model_version: str, sha256: str) -> int:
        """Return the size of a version's file."""
        file = self._cache / f"{sha256}.skops"
        if not file.exists():
            self._download(model_version, file)
        return file.stat().st_size

    def columns(self, run_id: str) -> dict[str, str]:
        """Return the columns that a version takes, with their types, from the signature that was logged with it."""
        with tempfile.TemporaryDirectory(prefix="catena-model-") as folder:
            signature = Model.load(self._client.download_artifacts(run_id, "model/MLmodel", folder)).signature
        return {str(item["name"]): str(item["type"]) for item in signature.inputs.to_dict()}

    def keep_document(self, run_id: str, name: str, content: Mapping[str, Any]) -> None:
        """Add a JSON document to the run of a version."""
        self._client.log_dict(run_id, dict(content), f"{name}.json")

    def mirror_champion(self, name: str, version: int | None) -> str | None:
        """Let the alias `champion` follow the ledger; return what went wrong, None if nothing did.

        The ledger rules: a registry that is down must not undo a decision.
        """
        try:
            if version is None:
                self._client.delete_registered_model_alias(name, CHAMPION)
            else:
                self._client.set_registered_model_alias(name, CHAMPION, str(version))
        except MlflowException as error:
            LOG.warning("the alias %s of %s does not follow the ledger: %s", CHAMPION, name, error)
            return f"alias {CHAMPION} of {name} not set: {error}"
        return None

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, made where it is missing."""
        return experiment_of(self._client, self._tracking_uri, self._artifact_root, name)

    def enlist(self, name: str, run_id: str, source: str, tags: Mapping[str, str]) -> ModelVersion:
        """Give a run's model the next number under a name.

        Args:
            name: of the registered model.
            run_id: run that holds the model.
            source: where its files are.
            tags: of the version; `sha256` and `training_key` among them.
        """
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return _version(self._client.create_model_version(name, source, run_id, tags=dict(tags)))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _log(self, run_id: str, estimator: Any, evidence: Evidence, trusted: Sequence[str]) -> str:
        with tempfile.TemporaryDirectory(prefix="catena-model-") as folder:
            path = Path(folder) / "model"
            mlflow.sklearn.save_model(
                estimator, str(path),
                serialization_format="skops", skops_trusted_types=list(trusted), pip_requirements=requirements(),
                signature=infer_signature(evidence.input_example, evidence.example_scores),
                input_example=evidence.input_example,
            )  # fmt: skip
            check_types(path / _FILE, trusted)
            sha256 = digest_of(path / _FILE)
            self._client.log_artifacts(run_id, str(path), "model")
            self._keep(path / _FILE, sha256)
        stamp = self._client.get_run(run_id).info.start_time
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, value, stamp, 0) for name, value in evidence.metrics.items() if value is not None],
            params=[Param(name, str(value)) for name, value in evidence.params.items()],
            tags=[RunTag("sha256", sha256)],
        )
        for name, content in {**evidence.documents, "environment": environment()}.items():
            self._client.log_dict(run_id, content, f"{name}.json")
        return sha256

    def _keep(self, file: Path, sha256: str) -> None:
        """Put a file into the cache in one step, so that nobody reads half of it."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as source, tempfile.NamedTemporaryFile(dir=self._cache, delete=False) as copy:
            shutil.copyfileobj(source, copy)
        Path(copy.name).replace(self._cache / f"{sha256}.skops")

    def _download(self, model_version: str, file: Path) -> None:
        name, _, version = model_version.rpartition("/")
        uri = self._client.get_model_version_download_uri(name, version)
        with tempfile.TemporaryDirectory(prefix="catena-model-") as folder:
            there = mlflow.artifacts.download_artifacts(
                artifact_uri=f"{uri}/{_FILE}", dst_path=folder, tracking_uri=self._tracking_uri
            )
            self._keep(Path(there), file.stem)


def _version(found: Any) -> ModelVersion:
    return ModelVersion(str(found.name), int(found.version), str(found.run_id), str(found.tags["sha256"]))
