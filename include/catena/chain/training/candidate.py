"""A candidate with its evidence: fitted, judged on the holdout and registered, once for each dataset and code.

When a month is trained belongs in `catena.chain.training.train`.
"""

from __future__ import annotations

from typing import Any, Literal

from catena.chain.training.snapshots import Snapshot
from catena.chain.training.training_data import TrainingTables, baseline_name, serving_name
from catena.declaration import UseCase
from catena.lake import identity_of
from catena.modeling.calibration import calibration_of, uncalibrated
from catena.modeling.dataset import TrainingSet, model_frame
from catena.modeling.metrics import Metrics, evaluate, metrics_by_slice, reliability_curve
from catena.modeling.state import fingerprint
from catena.modeling.train import baseline_frame, fit_baseline, fit_candidate
from catena.registry.store import Evidence, ModelVersion, Registry
from catena.registry.trusted_types import trusted_types
from catena.run import Run
from catena.serving.predict import predict

Role = Literal["challenger", "baseline"]
_EXAMPLE_ROWS = 5


class Training:
    """One month's training set and what is made of it.

    Args:
        run: who trains; recorded with each version.
        snapshot: the rows; what the tables hold now does not matter.

    Attributes:
        calibrations: of each of these that has one, what is said of its curve.
        fingerprints: digests of the parameters and of the scores on the holdout, of each version that was made here.
    """

    def __init__(self, usecase: UseCase, month: str, run: Run, tables: TrainingTables, snapshot: Snapshot) -> None:
        self._usecase = usecase
        self._month = month
        self._run = run
        self._snapshot = snapshot
        self._inputs = tables.identity(month, usecase.model)
        self.data: TrainingSet = snapshot.data
        self.fingerprints: dict[str, dict[str, str]] = {}
        self.calibrations: dict[str, dict[str, Any]] = {}

    def make(self, registry: Registry, role: Role) -> tuple[ModelVersion, Metrics]:
        """Return the version of a role and its metrics on the holdout; fitted only if it was not yet.

        Raises:
            ModelingError: the training set does not allow it.
        """
        usecase, model = self._usecase, self._usecase.model
        name = baseline_name(usecase) if role == "baseline" else serving_name(usecase)
        trusted = trusted_types(model)
        key = str(identity_of([name, self._month, self._inputs, self.data.identity, self._run.code_version]))
        if (version := registry.find(name, key)) is None:
            estimator = (fit_baseline if role == "baseline" else fit_candidate)(self.data, model)
            evidence = self._evidence(role, key, estimator)
            version = registry.register(name, estimator, evidence, trusted, experiment=usecase.name)
        estimator = registry.load(version.key, version.sha256, trusted)
        self.fingerprints[version.key] = fingerprint(estimator, predict(estimator, self.data.holdout, model, role))
        if (curve := calibration_of(estimator)) is not None:
            self.calibrations[version.key] = curve
        return version, judge(estimator, self.data, usecase, role)

    def dataset(self) -> dict[str, Any]:
        """Return what the ledger keeps of the training set."""
        return {**self._snapshot.as_dict(), "inputs": str(self._inputs)}

    def holdout(self) -> dict[str, Any]:
        """Return which days are held out, and how many rows they have."""
        held = self.data.holdout
        first, last = (held["partition"].min(), held["partition"].max()) if len(held) else (None, None)
        return {"first": first, "last": last, "rows": len(held)}

    def _evidence(self, role: Role, key: str, estimator: Any) -> Evidence:
        usecase, model, data = self._usecase, self._usecase.model, self.data
        scores = predict(estimator, data.holdout, model, role)
        source = data.train if len(data.train) else data.holdout
        example = source.head(_EXAMPLE_ROWS)
        documents: dict[str, Any] = {
            "dataset": self.dataset() | {"holdout": self.holdout()},
            "slices": metrics_by_slice(data.holdout, scores, model.slices, model.kind),
        }
        if (curve := calibration_of(estimator)) is not None:
            documents["calibration"] = curve
        if model.kind == "binary":
            documents["reliability"] = {"bins": reliability_curve(data.holdout["label"], scores)}
        return Evidence(
            training_key=key,
            params={"role": role, "month": self._month, **model.model_dump(include={
                "family", "factory", "seed", "validation_days", "embargo_days", "minimum_rows",
                "baseline_by"}), **_settings_of(estimator)},
            metrics=evaluate(data.holdout["label"], scores, model.kind),
            tags={"usecase": usecase.name, "role": role, "month": self._month, "run_id": self._run.run_id,
                  "code_version": self._run.code_version, "dataset_identity": str(data.identity),
                  "snapshot": self._snapshot.name,
                  **{f"table.{name}": str(number) for name, number in self._snapshot.tables.items()}},
            documents=documents,
            input_example=(baseline_frame if role == "baseline" else model_frame)(example, model),
            example_scores=predict(estimator, example, model, role),
        )  # fmt: skip


def judge(
    estimator: Any, data: TrainingSet, usecase: UseCase, role: Literal["challenger", "champion", "baseline"]
) -> Metrics:
    """Return an estimator's metrics on the holdout."""
    scores = predict(estimator, data.holdout, usecase.model, role)
    return evaluate(data.holdout["label"], scores, usecase.model.kind)


def _settings_of(estimator: Any) -> dict[str, Any]:
    """Return the settings of an estimator, or of the last step of a pipeline."""
    bare = uncalibrated(estimator)
    last = bare[-1] if hasattr(bare, "steps") else bare
    return {f"{type(last).__name__}.{name}": value for name, value in last.get_params(deep=False).items()}
