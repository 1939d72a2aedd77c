"""Issues model cards: gathers what ledger, registry and proof say of a version, and writes its page.

What the page says belongs in `catena.reports.card`, what is proved in `catena.chain.proving.proof`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catena.chain.deploying.deployments import Deployments, Spell
from catena.chain.deploying.versions import Version, version_of
from catena.chain.pages import CARD, write_index, write_page
from catena.chain.proving.proof import ProofOf, proof_of
from catena.chain.training.selection import selection_of
from catena.chain.training.training_data import cut_of
from catena.declaration import UseCase
from catena.governance import Entry
from catena.lake import identity_of
from catena.reports import card_page, headline_of
from catena.run import Outcome, Run
from catena.workspace import Workspace


@dataclass(frozen=True)
class Card:
    """A card that was issued.

    Attributes:
        index: the page that lists it.
    """

    version: str
    path: Path
    index: Path
    headline: str
    proof: ProofOf

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "version": self.version, "path": str(self.path), "index": str(self.index), "headline": self.headline,
            "proof": {"sha256": self.proof.sha256, "file": self.proof.place},
        }  # fmt: skip


def issue_card(workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Card:
    """Write the card of a version as it stands now, proving the version where that was not done yet.

    Args:
        key: such as `flight_delays/3`, or its number.

    Raises:
        UnknownVersion: there is none, or it is a baseline.
        ArchiveDamaged: its snapshot or its proof is gone or changed.
    """
    version = version_of(workspace, usecase, key)
    proof = proof_of(workspace, usecase, version, run)
    facts = _facts(usecase, version, proof, _selection(workspace, usecase, version))
    path, headline = card_path(workspace, usecase, version.key), headline_of(usecase, facts)
    write_page(path, card_page(usecase, facts))
    workspace.ledger.append(
        run, kind="report", subject=f"{CARD}{version.key}", partition=str(version.month), decision="ISSUED",
        effective_at=cut_of(str(version.month)),
        payload={"path": str(path.relative_to(workspace.settings.pages)), "headline": headline, "proof": proof.sha256,
                 "identity": _identity(usecase, version.sha256, version.decision, version.spells)},
    )  # fmt: skip
    return Card(version.key, path, write_index(workspace), headline, proof)


def issue_cards(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Issue the card of each candidate up to a month that has none, or was judged or replaced since.

    Args:
        month: training month.
    """
    issued: dict[str, Card] = {}
    deployments = Deployments(workspace.ledger, usecase)
    spells = deployments.served()
    for entry in workspace.ledger.entries(usecase.name, kind="candidate", subject="model"):
        key = entry.payload.get("model_version")
        if not key or cut_of(entry.partition) > cut_of(month):
            continue
        # All of it from the ledger: this runs with each measured day, and nearly always finds nothing to do.
        decision = deployments.decision_on(key)
        served = [spell for spell in spells if spell.serves["model_version"] == key]
        # Before its decision a card would only be written twice.
        if decision is None:
            continue
        identity = _identity(usecase, entry.payload["sha256"], decision, served)
        if not _is_issued(workspace, usecase, (key, entry.partition), identity):
            issued[entry.partition] = issue_card(workspace, usecase, key, run)
    if not issued:
        return Outcome("unchanged", f"every version that was decided on up to {month} has its card")
    said = "; ".join(f"{card.version}: {card.headline}" for card in issued.values())
    return Outcome("published", said, tuple(issued), details={"cards": [card.as_dict() for card in issued.values()]})


def card_path(workspace: Workspace, usecase: UseCase, key: str) -> Path:
    """Return where the card of a version is kept."""
    return workspace.pages(usecase, "cards") / f"{key.replace('/', '-')}.html"


def _is_issued(workspace: Workspace, usecase: UseCase, of: tuple[str, str], identity: str) -> bool:
    """Return whether the card of a version, trained on a month, speaks of what holds now."""
    key, month = of
    last = workspace.ledger.last(usecase.name, "report", f"{CARD}{key}", partition=month)
    return last is not None and last.payload["identity"] == identity and card_path(workspace, usecase, key).exists()


def _identity(usecase: UseCase, sha256: str, decision: Entry | None, spells: Sequence[Spell]) -> str:
    """Return the identity of what a card speaks of."""
    decided = None if decision is None else [decision.decision, decision.partition, decision.payload]
    proved = [usecase.proof.model_dump(mode="json"), usecase.gate.model_dump()]
    return str(identity_of([sha256, decided, _served(spells), proved]))


def _served(spells: Sequence[Spell]) -> list[dict[str, Any]]:
    return [{"first": spell.first, "last": spell.last, "kind": spell.entry.kind} for spell in spells]


def _selection(workspace: Workspace, usecase: UseCase, version: Version) -> dict[str, Any] | None:
    """Return why the version has its features, where they were selected for it."""
    named = version.candidate.payload.get("selection") if version.candidate else None
    entry = selection_of(workspace.ledger, usecase, named)
    if entry is None:
        return None
    features = [{name: item[name] for name in ("column", "is_kept", "because", "reason")}
                for item in entry.payload["features"]]  # fmt: skip
    return {"month": entry.partition, "reason": entry.payload["reason"], "features": features}


def _facts(
    usecase: UseCase, version: Version, proof: ProofOf, selection: dict[str, Any] | None
) -> dict[str, Any]:  # fmt: skip
    trained = version.candidate.payload if version.candidate else {}
    fingerprint = trained.get("fingerprints", {}).get(version.key, {})
    return {
        "version": {"key": version.key, "month": version.month, "dataset": trained.get("dataset"),
                    "recipe": trained.get("recipe"), "search": trained.get("search"),
                    "calibration": trained.get("calibration")},
        "proof": proof.document,
        "selection": selection,
        "decision": None if version.decision is None else _decided(version.decision),
        "spells": _served(version.spells),
        "commands": {
            "Build the version again and compare it bit for bit": f"catena models replay {version.key}",
            "Measure the proof again and compare its digest":
                f"catena models card {usecase.name} {version.key} --again",
            "See who let it serve": f"catena models history {usecase.name}",
        },
        "digests": {
            "Model file": version.sha256,
            "Parameters": fingerprint.get("parameters", "not recorded"),
            "Predictions on the days held out": fingerprint.get("predictions", "not recorded"),
            "Training snapshot": proof.document["snapshot_sha256"],
            "Proof": proof.sha256,
            "Run in MLflow": version.run_id,
            "Code at training": version.candidate.code_version if version.candidate else "not recorded",
        },
    }  # fmt: skip


def _decided(entry: Entry) -> dict[str, Any]:
    payload = entry.payload
    return {
        "decision": entry.decision, "month": entry.partition, "reasons": payload["reasons"],
        "checks": payload["checks"], "champion": payload["champion"],
    }  # fmt: skip
