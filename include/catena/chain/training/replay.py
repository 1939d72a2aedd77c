"""The replay: a registered version is built again from its record, and compared with it bit for bit.

The record is in the ledger: which snapshot, which code, which environment, which digests. The rows come from the
snapshot, never from the tables. The comparisons belong in `catena.modeling.replay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from catena.chain.training.snapshots import archive_of, parted, read_record, snapshot_entry
from catena.chain.training.training_data import TrainingTables, baseline_name, cut_of, open_registry, serving_name
from catena.declaration import UseCase
from catena.governance import Ledger
from catena.lake import ArchiveDamaged, Lake, VersionGone
from catena.modeling.dataset import TrainingSet
from catena.modeling.errors import ModelingError
from catena.modeling.replay import (
    Check,
    compare_dataset,
    compare_parameters,
    compare_predictions,
    differing_days,
    environment_differences,
    not_rebuilt,
)
from catena.modeling.snapshot import SnapshotRecord, by_day, rows_said
from catena.modeling.state import state_of
from catena.modeling.threads import THREADS
from catena.modeling.train import fit_baseline, fit_candidate
from catena.registry.environment import environment
from catena.registry.trusted_types import trusted_types
from catena.run import Outcome, Run, code_version
from catena.serving.predict import SignatureMismatch, predict
from catena.workspace import Workspace


class UnknownVersion(LookupError):
    """The ledger knows no such model version."""


class NotReplayable(RuntimeError):
    """A version's record does not say what it was built from."""


@dataclass(frozen=True)
class VersionRecord:
    """What the ledger says of a version.

    Attributes:
        role: `challenger` or `baseline`.
        snapshot: name of its training set.
        fingerprint: digests of its parameters and scores; empty where none were recorded.
        environment: empty where none was recorded.
    """

    version: str
    role: Any
    month: str
    sha256: str
    snapshot: str
    fingerprint: Mapping[str, str]
    environment: Mapping[str, str]
    code_version: str


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Attributes:
        environment: what of libraries, locks and machine is not as it was.
        checks: dataset, parameters and predictions.
    """

    version: str
    snapshot: str
    recorded_code: str
    code: str
    environment: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def is_equal(self) -> bool:
        """Whether all that is compared is equal."""
        return all(check.verdict == "EQUAL" for check in self.checks)

    @property
    def is_same_release(self) -> bool:
        """Whether the code that is installed is the code that trained."""
        return self.code == self.recorded_code

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON-ready values."""
        checks = [asdict(check) | {"verdict": check.verdict} for check in self.checks]
        return asdict(self) | {"checks": checks, "is_equal": self.is_equal, "is_same_release": self.is_same_release}


def enter_replay(workspace: Workspace, usecase: UseCase, found: Replayed, run: Run) -> None:
    """Enter what came of a replay: EQUAL, or what differs. It holds from the end of the training month on."""
    month = recorded_version(workspace.ledger, usecase, found.version).month
    workspace.ledger.append(
        run, kind="replay", subject=found.version, partition=month,
        decision="EQUAL" if found.is_equal else "DIFFERENT", effective_at=cut_of(month), payload=found.as_dict(),
    )  # fmt: skip


def replay_what_waits(workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
    """Build each version again that was trained here up to a month or day, and was not built again yet.

    Args:
        key: of a training.
    """
    ledger = workspace.ledger
    known = {entry.subject for entry in ledger.entries(usecase.name, kind="replay")}
    trained = [
        str(entry.payload["model_version"])
        for entry in ledger.entries(usecase.name, kind="candidate", subject="model", as_of=cut_of(key))
        if entry.payload.get("model_version") and not entry.payload.get("origin")
    ]
    if not (open_ := [version for version in dict.fromkeys(trained) if version not in known]):
        return Outcome("skipped", "each version that was trained here has been built again")
    found = [replay_version(workspace, usecase, version) for version in open_]
    for each in found:
        enter_replay(workspace, usecase, each, run)
    differing = [each.version for each in found if not each.is_equal]
    said = f"built {', '.join(open_)} again: " + (
        f"{', '.join(differing)} came out otherwise" if differing else "equal"
    )
    return Outcome("published", said, (key,), details={"replayed": open_, "different": differing})


def recorded_version(ledger: Ledger, usecase: UseCase, version: str) -> VersionRecord:
    """Return what the ledger says of a version.

    Raises:
        UnknownVersion: naming those that there are.
        NotReplayable: it was trained before training sets were kept.
    """
    there: set[str] = set()
    # A baseline that promotion made where training broke down stands in that decision alone.
    for entry in (*ledger.entries(usecase.name, kind="candidate"), *ledger.entries(usecase.name, kind="promotion")):
        payload = entry.payload
        month = str(payload.get("training_month", entry.partition))
        candidate = payload if entry.kind == "candidate" else payload.get("challenger")
        for role, facts in (("challenger", candidate), ("baseline", payload.get("baseline"))):
            if not facts or facts.get("model_version") is None:
                continue
            there.add(facts["model_version"])
            if facts["model_version"] != version:
                continue
            if not (name := (payload.get("dataset") or {}).get("snapshot")):
                raise NotReplayable(f"{version} was trained on {month} before training sets were kept: train it anew")
            return VersionRecord(
                version, role, month, facts["sha256"], name, payload.get("fingerprints", {}).get(version, {}),
                payload.get("environment", {}), (payload.get("origin") or {}).get("code_version", entry.code_version),
            )  # fmt: skip
    raise UnknownVersion(f"the ledger knows no version {version!r}; there are: {', '.join(sorted(there)) or 'none'}")


def replay_version(workspace: Workspace, usecase: UseCase, version: str) -> Replayed:
    """Build a version again from its record, and compare dataset, parameters and predictions.

    Code or libraries of another release are named, and the comparison goes on.

    Args:
        version: such as `flight_delays/3`.

    Raises:
        UnknownVersion: the ledger knows none.
        NotReplayable: its record does not say what it was built from.
        ArchiveDamaged: the record of its snapshot is gone; missing or changed rows are a difference, not an error.
        ModelTampered: the registry delivers another file than was registered.
    """
    ledger, lake = workspace.ledger, workspace.lake(usecase)
    recorded = recorded_version(ledger, usecase, version)
    entry = snapshot_entry(ledger, usecase, recorded.snapshot)
    record = read_record(lake, entry)
    there = _rows_there(lake, record)
    data = parted(record, list(there.values()))
    as_recorded = usecase.model_copy(update={"model": record.model, "label": record.label})
    tables = TrainingTables(lake, ledger, as_recorded)
    said = _rows_said(tables, entry.payload["tables"], record, there)
    stored = open_registry(workspace.settings).load(version, recorded.sha256, trusted_types(record.model))
    now = environment()
    return Replayed(
        version, recorded.snapshot, recorded.code_version, code_version(),
        tuple(environment_differences(recorded.environment, now)) if recorded.environment else (),
        (compare_dataset(record, there, data, said), *_compare_model(recorded, record, data, stored)),
    )  # fmt: skip


def usecase_of(usecases: Any, version: str) -> UseCase | None:
    """Return the use case that registers versions of this name, None where none does."""
    name = version.rpartition("/")[0]
    return next((each for each in usecases if name in {serving_name(each), baseline_name(each)}), None)


def _compare_model(
    recorded: VersionRecord, record: SnapshotRecord, data: TrainingSet, stored: Any
) -> tuple[Check, Check]:
    model, digests = record.model, recorded.fingerprint
    known = digests.get("parameters"), digests.get("predictions")
    threads = int(recorded.environment.get("threads", THREADS))
    try:
        rebuilt = fit_baseline(data, model) if recorded.role == "baseline" else fit_candidate(data, model, threads)
        scores = predict(rebuilt, data.holdout, model, recorded.role)
        before = predict(stored, data.holdout, model, recorded.role)
    except (ModelingError, SignatureMismatch) as error:
        parameters, predictions = known
        why = f"cannot be built again: {error}"
        return (
            not_rebuilt("parameters", parameters or "not recorded", why),
            not_rebuilt("predictions", predictions or "not recorded", why),
        )
    return (
        compare_parameters(known[0], state_of(stored), state_of(rebuilt)),
        compare_predictions(known[1], before, scores, data.holdout["entity"].tolist()),
    )


def _rows_there(lake: Lake, record: SnapshotRecord) -> dict[str, pa.Table]:
    """Return the rows of the days as they stand in the archive, changed or not; what is gone is left out."""
    archive, there = archive_of(lake), {}
    for day, kept in record.days.items():
        try:
            there[day] = archive.stored_rows(kept.sha256)
        except ArchiveDamaged:
            continue
    return there


def _rows_said(
    tables: TrainingTables, versions: Mapping[str, int | None], record: SnapshotRecord, there: Mapping[str, pa.Table]
) -> dict[str, str]:
    """Return which rows of differing days differ, as far as the tables of the training still tell."""
    if not (differing := [day for day in differing_days(record.days, there) if day in there]):
        return {}
    try:
        rows = by_day(tables.rows(record.month, versions))
    except VersionGone as error:
        return dict.fromkeys(differing, f"Which rows cannot be told: {error}")
    return {day: rows_said(rows[day], there[day]) for day in differing if day in rows}
