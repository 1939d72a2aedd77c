"""The proof of a version: made once from its snapshot and its registered file, and kept under its digest.

What is in it belongs in `catena.modeling.proof`, the page in `catena.chain.proving.card`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from catena.chain.deploying.versions import UnknownVersion, Version
from catena.chain.training.replay import recorded_version
from catena.chain.training.snapshots import Snapshot, open_snapshot
from catena.chain.training.training_data import cut_of, open_registry
from catena.declaration import UseCase
from catena.governance import Entry
from catena.lake import Archive, ArchiveDamaged, Lake, identity_of
from catena.modeling.proof import Proven, prove
from catena.modeling.snapshot import canonical
from catena.modeling.threads import fixed_threads
from catena.registry.trusted_types import trusted_types
from catena.run import Run
from catena.serving.predict import predict
from catena.workspace import Workspace

FOLDER = "_proofs"


@dataclass(frozen=True)
class ProofOf:
    """The proof of a version.

    Attributes:
        sha256: digest of the document.
        document: what was measured.
        place: where it is kept.
    """

    version: str
    sha256: str
    document: dict[str, Any]
    place: str


def proof_of(workspace: Workspace, usecase: UseCase, version: Version, run: Run) -> ProofOf:
    """Return the proof of a version; made now where none was made of it by what is declared now.

    Raises:
        UnknownVersion: the version is a baseline, of which there is nothing to prove, or was not trained by the chain.
        ArchiveDamaged: its snapshot, or a proof that was kept, is gone or changed.
    """
    entry = kept_proof(workspace, usecase, version)
    if entry is not None:
        return _read(workspace.lake(usecase), version.key, str(entry.payload["sha256"]))
    made = canonical(prove_again(workspace, usecase, version))
    sha256 = hashlib.sha256(made).hexdigest()
    document = json.loads(made)
    proof_archive(workspace.lake(usecase)).keep_document(sha256, made)
    open_registry(workspace.settings).keep_document(version.run_id, f"proof-{sha256[:8]}", document)
    workspace.ledger.append(
        run, kind="proof", subject=version.key, partition=str(version.month), decision=_verdict(document),
        effective_at=cut_of(str(version.month)),
        payload={"sha256": sha256, "inputs": _inputs(usecase, version), "snapshot": document["snapshot"],
                 "behaviour": {item["name"]: item["verdict"] for item in document["behaviour"]}},
    )  # fmt: skip
    return _read(workspace.lake(usecase), version.key, sha256)


def proof_document(workspace: Workspace, usecase: UseCase, key: str) -> dict[str, Any] | None:
    """Return the document of the last proof of a version, None where none was made; nothing is measured.

    Raises:
        ArchiveDamaged: it is gone or changed.
    """
    entry = workspace.ledger.last(usecase.name, "proof", key)
    return None if entry is None else _read(workspace.lake(usecase), key, str(entry.payload["sha256"])).document


def differing_parts(workspace: Workspace, usecase: UseCase, version: Version, run: Run) -> list[str]:
    """Return the parts of a version's proof that are not the same when they are measured again; empty if all are.

    Its name is no part: a version that was transferred has another one where it was proved.
    """
    kept = proof_of(workspace, usecase, version, run).document
    now = json.loads(canonical(prove_again(workspace, usecase, version)))
    parts = [name for name in dict.fromkeys([*kept, *now]) if name != "version"]
    return [name for name in parts if kept.get(name) != now.get(name)]


def prove_again(workspace: Workspace, usecase: UseCase, version: Version) -> dict[str, Any]:
    """Return the document of a version, measured now.

    Raises:
        UnknownVersion: as for `proof_of`.
        ArchiveDamaged: its snapshot is gone or changed.
    """
    if version.role == "baseline" or version.candidate is None:
        raise UnknownVersion(f"{version.key} is no model that the chain trained: there is nothing to prove of it")
    recorded = recorded_version(workspace.ledger, usecase, version.key)
    snapshot = open_snapshot(workspace.lake(usecase), workspace.ledger, usecase, recorded.snapshot)
    registry = open_registry(workspace.settings)
    model = snapshot.record.model
    estimator = registry.load(version.key, version.sha256, trusted_types(model))
    # Scored once as serving does, so that a version that cannot serve is refused here as there.
    predict(estimator, snapshot.data.holdout, model, "challenger")
    baseline = _baseline_scores(workspace, version, snapshot)
    with fixed_threads():
        found = prove(Proven(estimator, baseline, snapshot.data), model, usecase.gate, usecase.proof)
    return {
        "version": version.key,
        "model_sha256": version.sha256,
        "snapshot": snapshot.name,
        "snapshot_sha256": snapshot.sha256,
        "declared": usecase.proof.model_dump(mode="json"),
        **found,
    }


def _baseline_scores(workspace: Workspace, version: Version, snapshot: Snapshot) -> Any:
    facts = version.candidate.payload.get("baseline") if version.candidate else None
    if not facts:
        return None
    model = snapshot.record.model
    registry = open_registry(workspace.settings)
    estimator = registry.load(facts["model_version"], facts["sha256"], trusted_types(model))
    return predict(estimator, snapshot.data.holdout, model, "baseline")


def kept_proof(workspace: Workspace, usecase: UseCase, version: Version) -> Entry | None:
    """Return the first entry on a proof by the same declaration, None where there is none.

    Not by the same code: a release must not prove the past anew without being asked, and asked, it is compared.
    """
    inputs = _inputs(usecase, version)
    entries = workspace.ledger.entries(usecase.name, kind="proof", subject=version.key)
    return next((entry for entry in entries if entry.payload["inputs"] == inputs), None)


def _inputs(usecase: UseCase, version: Version) -> str:
    """Return the identity of what a proof rests on, besides the code."""
    return str(identity_of([version.sha256, usecase.proof.model_dump(mode="json"), usecase.gate.model_dump()]))


def proof_archive(lake: Lake) -> Archive:
    """Return where a use case's proofs are kept: below its lake, beside its snapshots."""
    return Archive(f"{lake.root}/{FOLDER}", lake.storage_options)


def _read(lake: Lake, version: str, sha256: str) -> ProofOf:
    archive = proof_archive(lake)
    place, content = f"{archive.root}/{sha256}.json", archive.document(sha256)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise ArchiveDamaged(f"{place} is gone, or not the proof that the ledger names: restore it from a copy")
    return ProofOf(version, sha256, json.loads(content), place)


def _verdict(document: dict[str, Any]) -> str:
    """Return FAILED where a behaviour test or a training check failed, else PASSED, or NOT_SHOWN where one is open."""
    verdicts = {item["verdict"] for item in (*document["behaviour"], *document["training"])}
    if "failed" in verdicts:
        return "FAILED"
    return "NOT_SHOWN" if "not shown" in verdicts else "PASSED"
