"""A version of a use case's models, as ledger and registry know it: what it was made of, and whether it can serve.

What is done with it belongs in `catena.chain.deploying.redeploy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from catena.chain.deploying.deployments import Deployments, Serves, Spell
from catena.chain.training.recipes import model_of_version
from catena.chain.training.training_data import baseline_name, feature_columns, open_registry, serving_name
from catena.declaration import UseCase
from catena.governance import Entry
from catena.registry.model_file import ModelTampered
from catena.registry.trusted_types import trusted_types
from catena.serving.predict import SignatureMismatch, columns_taken
from catena.workspace import Workspace


class UnknownVersion(KeyError):
    """No such version is registered for the use case."""


@dataclass(frozen=True)
class Version:
    """A registered version.

    Attributes:
        month: the training month, None where the version was not made by the chain's training.
        candidate: the ledger's entry on its training, None where there is none.
        decision: the month's decision on it.
    """

    key: str
    run_id: str
    sha256: str
    role: Literal["champion", "baseline"]
    month: str | None
    candidate: Entry | None = None
    decision: Entry | None = None
    spells: tuple[Spell, ...] = field(default=())

    def serves(self) -> Serves:
        """Return what a ledger entry says of a version that serves."""
        facts = {"model_version": self.key, "run_id": self.run_id, "sha256": self.sha256}
        return {**facts, "role": self.role, "trained_on": self.month}


def version_of(workspace: Workspace, usecase: UseCase, key: str) -> Version:
    """Return a version by its key (`flight_delays/3`) or its number.

    The digest is the one that the ledger recorded at the training; the registry's own is only asked for versions that
    the chain did not train.

    Raises:
        UnknownVersion: the registry has none of the name, or it belongs to another use case.
        ModelTampered: ledger and registry name different digests.
    """
    key = key if "/" in key else f"{serving_name(usecase)}/{key}"
    name, _, number = key.rpartition("/")
    if name not in {serving_name(usecase), baseline_name(usecase)} or not number.isdecimal():
        raise UnknownVersion(f"{key} is no version of {usecase.name}: ask for one like {serving_name(usecase)}/3")
    registered = open_registry(workspace.settings).described(name, int(number))
    if registered is None:
        raise UnknownVersion(f"{key} is not registered; `catena models history {usecase.name}` shows what served")
    candidate, facts = _trained(workspace, usecase, key)
    if facts and facts["sha256"] != registered.sha256:
        raise ModelTampered(
            f"{key} has the digest {registered.sha256[:12]} in the registry, but {facts['sha256'][:12]} was trained: "
            "somebody changed the registry; train the month anew"
        )
    deployments = Deployments(workspace.ledger, usecase)
    return Version(
        key=key, run_id=registered.run_id, sha256=registered.sha256,
        role="baseline" if name == baseline_name(usecase) else "champion",
        month=candidate.partition if candidate else registered.month, candidate=candidate,
        decision=deployments.decision_on(key),
        spells=tuple(spell for spell in deployments.served() if spell.serves["model_version"] == key),
    )  # fmt: skip


def checked(workspace: Workspace, usecase: UseCase, version: Version) -> None:
    """Load a version as scoring will, so that a version that cannot score is refused before it serves.

    Raises:
        ModelTampered: its file is not the one that was registered.
        UntrustedModel: it holds types that nobody reviewed.
        SignatureMismatch: it was fitted on columns that the feature table does not have.
    """
    model = model_of_version(workspace.ledger, usecase, version.serves())
    estimator = open_registry(workspace.settings).load(version.key, version.sha256, trusted_types(model))
    if missing := sorted(set(columns_taken(estimator)) - set(feature_columns(usecase))):
        raise SignatureMismatch(f"{version.key} was fitted on columns that no table has by now: {missing}")


def _trained(workspace: Workspace, usecase: UseCase, key: str) -> tuple[Entry | None, dict[str, Any]]:
    """Return the entry on the training that made a version, as candidate or as baseline, and the version's facts."""
    for entry in workspace.ledger.entries(usecase.name, kind="candidate"):
        for facts in (entry.payload, entry.payload.get("baseline") or {}):
            if facts.get("model_version") == key:
                return entry, facts
    return None, {}
