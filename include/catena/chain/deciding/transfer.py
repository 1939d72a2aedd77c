"""Moves a version to another environment: the same file, its training set, its proof, its record. Nothing is trained.

The target's own gate decides then, on the snapshot's holdout, as if it had been trained there (docs/decisions/017).
How a file goes from one registry to another belongs in `catena.registry.transport`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catena.chain.deciding.gate import window_quality
from catena.chain.deploying.deployments import Deployments
from catena.chain.deploying.versions import UnknownVersion, Version, version_of
from catena.chain.exclusive import exclusively
from catena.chain.proving.proof import kept_proof, proof_archive, proof_of
from catena.chain.training.snapshots import archive_of, document_of, read_record, snapshot_entry
from catena.chain.training.training_data import effect_of, open_registry
from catena.declaration import UseCase
from catena.governance import Entry
from catena.lake import ArchiveDamaged
from catena.partitions import days_of, days_of_month, month_of, shift_day
from catena.registry.store import ModelVersion
from catena.registry.transport import cargo_of, received
from catena.run import Run
from catena.workspace import Workspace

Payload = dict[str, Any]


class TransferRefused(ValueError):
    """A version that cannot be transferred there."""


@dataclass(frozen=True)
class Transfer:
    """What arrived.

    Attributes:
        version: its name in the source.
        arrived: its name in the target.
        is_new: whether anything changed there.
        decided: whether the month that it was trained for is decided there already, so that only a person promotes it.
    """

    version: str
    arrived: str
    sha256: str
    snapshot: str
    source: str
    target: str
    month: str
    is_new: bool
    decided: bool

    def as_dict(self) -> Payload:
        """Return JSON-ready values."""
        return asdict(self)


def transfer_version(
    source: Workspace, target: Workspace, usecase: UseCase, key: str, run: Run, *, actor: str
) -> Transfer:
    """Bring a version into another environment; one that is there already changes nothing.

    Args:
        source: workspace of the environment that trained it, or received it.
        target: workspace of the other one.
        usecase: declaration.
        key: version in the source, such as `flight_delays/3`.
        run: who carries it; recorded in both ledgers.
        actor: person who asked, as `os:ada`.

    Raises:
        TransferRefused: source and target are one, or it is a baseline, which goes along with its model.
        UnknownVersion: the source has no such version, or did not train it.
        ModelTampered: the file is not the one that was registered, before the way or after it.
        ArchiveDamaged: its training set or its proof is gone or changed.
    """
    names = source.settings.environment, target.settings.environment
    if source.settings.lake_root == target.settings.lake_root or names[0] == names[1]:
        raise TransferRefused(f"{names[0]} and {names[1]} are one environment: name another one by --to")
    version = version_of(source, usecase, key)
    if version.role == "baseline":
        raise TransferRefused(f"{version.key} is a baseline; it goes along with the model of its month")
    if version.candidate is None or version.month is None:
        raise UnknownVersion(f"{version.key} was not trained by the chain: there is no training set to send with it")
    proof = proof_of(source, usecase, version, run)
    with exclusively(target.engine, (usecase.name, "promote")):
        name = _bring_snapshot(source, target, usecase, version.candidate, run)
        origin = {"environment": names[0], "version": version.key, "code_version": version.candidate.code_version}
        arrived = {role: _bring(source, target, usecase, facts, origin) for role, facts in _parts(version).items()}
        model = arrived["challenger"]
        _bring_proof(source, target, usecase, (version, model.key), run)
        effect = _effect(target, usecase, version.month)
        decided = Deployments(target.ledger, usecase).decision(effect) is not None
        payload = _record(source, usecase, version.candidate, arrived, origin) | {"takes_effect": effect}
        is_new = not _is_recorded(target, usecase, model.sha256)
        if is_new:
            # Where the month is decided, the entry speaks of the version and changes no decision.
            target.ledger.append(run, kind="candidate", subject="model" if not decided else model.key,
                                 partition=version.month, decision="TRANSFERRED",
                                 effective_at=version.candidate.effective_at, payload=payload)  # fmt: skip
    done = Transfer(version.key, model.key, model.sha256, name, *names, version.month, is_new, decided)
    said = {**done.as_dict(), "proof": proof.sha256, "actor": actor}
    del said["is_new"], said["decided"]
    for workspace, subject, word in ((target, model.key, "RECEIVED"), (source, version.key, "SENT")):
        workspace.ledger.append(
            run, kind="transfer", subject=subject, partition=f"{names[0]}>{names[1]}", decision=word,
            effective_at=version.candidate.effective_at, payload=said,
        )  # fmt: skip
    return done


def _effect(target: Workspace, usecase: UseCase, month: str) -> str:
    """Return where the target's decision on a version takes effect.

    Where nothing is trained, what serves goes on serving meanwhile: a version that comes after days were scored serves
    from the first unscored one on. Elsewhere its month waits for the decision.
    """
    effect = effect_of(month)
    scored = target.lake(usecase).partitions("predictions")
    if target.settings.trains or not scored or scored[-1] < days_of(effect)[0]:
        return effect
    first = shift_day(scored[-1], 1)
    return month_of(first) if first == days_of_month(month_of(first))[0] else first


def _parts(version: Version) -> dict[str, Payload]:
    """Return what goes: the model, and the baseline of its month, which the gate compares it with."""
    payload = version.candidate.payload if version.candidate else {}
    baseline = payload.get("baseline")
    return {"challenger": dict(payload), **({"baseline": dict(baseline)} if baseline else {})}


def _bring(
    source: Workspace, target: Workspace, usecase: UseCase, facts: Mapping[str, Any], origin: Mapping[str, str]
) -> ModelVersion:
    """Bring a registered file, checked before and after."""
    name, _, number = str(facts["model_version"]).rpartition("/")
    sent = ModelVersion(name, int(number), facts["run_id"], facts["sha256"])
    with cargo_of(open_registry(source.settings), sent) as cargo:
        where = {**origin, "version": sent.key, "run_id": sent.run_id}
        return received(open_registry(target.settings), cargo, where, experiment=usecase.name)


def _bring_snapshot(source: Workspace, target: Workspace, usecase: UseCase, candidate: Entry, run: Run) -> str:
    """Bring the training set: days and record under the same digests, and the entry that names them."""
    entry = snapshot_entry(source.ledger, usecase, candidate.payload["dataset"]["snapshot"])
    record = read_record(source.lake(usecase), entry)
    here, there = archive_of(source.lake(usecase)), archive_of(target.lake(usecase))
    digests = [day.sha256 for day in record.days.values()]
    # Read checked, kept under the digest of what was read: a day that is there already is not written again.
    there.keep_rows(dict(zip(record.days, here.rows(digests), strict=True)))
    document = document_of(entry)
    content = here.document(document)
    if content is None:
        raise ArchiveDamaged(f"{here.root}/{document}.json is gone: restore it from a copy")
    there.keep_document(document, content)
    if not target.ledger.entries(usecase.name, kind="dataset", subject=entry.subject):
        payload = {**entry.payload, "origin": {"environment": source.settings.environment, "entry": entry.id}}
        target.ledger.append(run, kind="dataset", subject=entry.subject, partition=entry.partition,
                             decision="TRANSFERRED", effective_at=entry.effective_at, payload=payload)  # fmt: skip
    return entry.subject


def _bring_proof(source: Workspace, target: Workspace, usecase: UseCase, named: tuple[Version, str], run: Run) -> None:
    """Bring the proof under the same digest; a target that declares another gate proves again when it needs to.

    Args:
        source: workspace that has it.
        target: workspace that receives it.
        usecase: declaration.
        named: the version in the source, and its name in the target.
        run: who carries it.
    """
    version, arrived = named
    entry = kept_proof(source, usecase, version)
    if entry is None or target.ledger.entries(usecase.name, kind="proof", subject=arrived):
        return
    sha256 = str(entry.payload["sha256"])
    content = proof_archive(source.lake(usecase)).document(sha256)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise ArchiveDamaged(f"the proof of {version.key} is gone or changed: restore it from a copy")
    proof_archive(target.lake(usecase)).keep_document(sha256, content)
    payload = {**entry.payload, "origin": {"environment": source.settings.environment, "version": version.key}}
    target.ledger.append(run, kind="proof", subject=arrived, partition=entry.partition, decision=entry.decision,
                         effective_at=entry.effective_at, payload=payload)  # fmt: skip


def _record(
    source: Workspace, usecase: UseCase, candidate: Entry, arrived: Mapping[str, ModelVersion], origin: Payload
) -> Payload:
    """Return the candidate's entry as the target keeps it: its own names of the versions, and where they come from.

    The quality of the data it learned from is the source's to tell; the target has not seen them.
    """
    payload = candidate.payload
    names = {facts["model_version"]: arrived[role].key for role, facts in
             (("challenger", payload), ("baseline", payload.get("baseline") or {})) if role in arrived}  # fmt: skip
    quality = window_quality(source.ledger, usecase, candidate.partition)
    first = payload.get("origin")
    return {
        **payload,
        **arrived["challenger"].as_dict(),
        "baseline": arrived["baseline"].as_dict() if "baseline" in arrived else None,
        "fingerprints": {names[key]: digests for key, digests in payload.get("fingerprints", {}).items()},
        "origin": {**origin, "quality": first["quality"] if first else quality, "trained_by": (first or origin)
                   .get("trained_by", candidate.run_id), "code_version": (first or origin)["code_version"]},
    }  # fmt: skip


def _is_recorded(target: Workspace, usecase: UseCase, sha256: str) -> bool:
    entries = target.ledger.entries(usecase.name, kind="candidate")
    return any(entry.payload.get("sha256") == sha256 for entry in entries)
