"""A registered version on its way to another registry: the same files, the same evidence, another number there.

Which versions go where, and what goes with them, belongs in `catena.chain.deciding.transfer`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow.entities import Metric, Param, RunTag

from catena.registry.model_file import ModelTampered, digest_of
from catena.registry.store import ModelVersion, Registry

_FILE = "model/model.skops"


@dataclass(frozen=True)
class Cargo:
    """What a version consists of, outside of any registry.

    Attributes:
        folder: its run's files: the model's folder, and the documents.
    """

    version: ModelVersion
    folder: Path
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


@contextmanager
def cargo_of(registry: Registry, version: ModelVersion) -> Iterator[Cargo]:
    """Yield what a version consists of, read from the registry and not from this machine's cache.

    Raises:
        ModelTampered: the registry's file is not the one that was registered.
    """
    client = registry.client
    with tempfile.TemporaryDirectory(prefix="catena-transfer-") as place:
        folder = Path(client.download_artifacts(version.run_id, "", place))
        _check(folder / _FILE, version.sha256, f"{version.key} in {registry.tracking_uri}")
        run = client.get_run(version.run_id).data
        registered = client.get_model_version(version.name, str(version.version)).tags
        yield Cargo(version, folder, run.params, run.metrics, registered)


def received(registry: Registry, cargo: Cargo, origin: Mapping[str, str], *, experiment: str) -> ModelVersion:
    """Register what another registry delivered, once for each file; return the version it has here.

    Args:
        registry: the one that receives.
        cargo: what is delivered.
        origin: where it comes from; kept as tags `origin.<name>`.
        experiment: under which its run is kept.

    Raises:
        ModelTampered: what arrived is not what was sent.
    """
    sent, client = cargo.version, registry.client
    key = f"transferred-{sent.sha256}"
    if (there := registry.find(sent.name, key)) is not None:
        return there
    tags = {**cargo.tags, **{f"origin.{name}": value for name, value in origin.items()}, "training_key": key}
    run = client.create_run(registry.experiment(experiment), run_name=f"{sent.key} received", tags=tags)
    run_id = run.info.run_id
    client.log_artifacts(run_id, str(cargo.folder))
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, run.info.start_time, 0) for name, value in cargo.metrics.items()],
        params=[Param(name, value) for name, value in cargo.params.items()],
        tags=[RunTag("sha256", sent.sha256)],
    )
    with tempfile.TemporaryDirectory(prefix="catena-transfer-") as place:
        arrived = Path(client.download_artifacts(run_id, _FILE, place))
        _check(arrived, sent.sha256, f"{sent.key} as it arrived in {registry.tracking_uri}")
    client.set_terminated(run_id, "FINISHED")
    return registry.enlist(sent.name, run_id, f"{run.info.artifact_uri}/model", tags)


def _check(file: Path, sha256: str, what: str) -> None:
    if not file.exists() or (found := digest_of(file)) != sha256:
        digest = found[:12] if file.exists() else "no file"
        raise ModelTampered(f"{what} has the digest {digest}, but {sha256[:12]} was registered: it is not transferred")
