"""What people change in what serves: a promotion by hand and a rollback, from a day on, with who and why.

The command line and the DAG `rollback` call the same functions. What follows by itself from a failed guard belongs in
`catena.chain.watching.guard`, the month's decision in `catena.chain.deciding.promote`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catena.chain.deploying.deployments import Deployments, Serves
from catena.chain.deploying.mirror import mirror
from catena.chain.deploying.versions import UnknownVersion, Version, checked, version_of
from catena.chain.exclusive import exclusively
from catena.declaration import UseCase
from catena.governance import Entry
from catena.partitions import day_key, month_of, parse_day, shift_day, shift_month, start_of
from catena.registry.model_file import ModelTampered, UntrustedModel
from catena.run import Run
from catena.serving.predict import SignatureMismatch
from catena.workspace import Workspace


class DeploymentRefused(ValueError):
    """A change of what serves that cannot be, or that would change nothing."""


# What a person can mend, and no retry does.
FINAL_FAULTS = (DeploymentRefused, UnknownVersion, ModelTampered, UntrustedModel, SignatureMismatch)


@dataclass(frozen=True)
class Asked:
    """Who asks for a change, why, and from which day on; None stands for the first day that is not scored yet."""

    actor: str
    reason: str
    first: str | None = None


@dataclass(frozen=True)
class Change:
    """What serves from a day on, and who must hear of it.

    Attributes:
        months: months whose days may be scored anew.
        decided: last training month before the change whose decision stands; promotion looks from there on whether
            later decisions compared another version than serves now.
        alias: why the registry's alias does not follow, if it does not.
    """

    decision: str
    first: str
    serves: Serves
    replaces: Serves | None
    actor: str
    reason: str
    months: tuple[str, ...]
    decided: str
    alias: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the change as JSON-ready values."""
        return asdict(self)


def promote_version(
    workspace: Workspace, usecase: UseCase, version: str, asked: Asked, run: Run, *, allow_baseline: bool = False
) -> Change:
    """Let a version serve from a day on, whatever the month decided, until the next decision or change.

    Raises:
        DeploymentRefused: it serves then anyway, is a baseline, or nothing was decided for the day yet.
        UnknownVersion: neither ledger nor registry knows it.
        ModelTampered: its file is not the one that was registered.
    """
    with exclusively(workspace.engine, (usecase.name, "promote")):
        if there := _made_before(workspace, usecase, "promotion", run):
            return change_of(workspace, usecase, there)
        deployments = Deployments(workspace.ledger, usecase)
        first = _first_day(workspace, usecase, deployments, asked)
        found = version_of(workspace, usecase, version)
        if found.role == "baseline" and not allow_baseline:
            raise DeploymentRefused(f"{version} is a baseline, no model: say --allow-baseline if it shall serve")
        return _enter(workspace, usecase, run, asked, first=first, found=found, kind="promotion")


def roll_back(workspace: Workspace, usecase: UseCase, to: str | None, asked: Asked, run: Run) -> Change:
    """Take what serves on a day out of service, in favour of another version.

    Args:
        to: the version that serves then; None: the last model that served before and was not rolled back itself, or
            where there is none the month's baseline. A canary that runs then is what goes: it served last.

    Raises:
        DeploymentRefused: nothing serves then, nothing served before, or the version serves already.
        UnknownVersion: neither ledger nor registry knows it.
        ModelTampered: its file is not the one that was registered.
    """
    with exclusively(workspace.engine, (usecase.name, "promote")):
        if there := _made_before(workspace, usecase, "rollback", run):
            return change_of(workspace, usecase, there)
        deployments = Deployments(workspace.ledger, usecase)
        first = _first_day(workspace, usecase, deployments, asked)
        former = deployments.carried(first) if deployments.canary(first) else deployments.before(first)
        target = to or (former or {}).get("model_version")
        if target is None:
            raise DeploymentRefused(f"nothing served before {first}: name a version by --to")
        return _enter(
            workspace, usecase, run, asked, first=first, found=version_of(workspace, usecase, target), kind="rollback"
        )


def record_rollback(
    workspace: Workspace, usecase: UseCase, run: Run, asked: Asked, *, to: Serves, evidence: Mapping[str, Any]
) -> Change:
    """Enter a rollback that the guard or the canary decided, with its evidence; the caller holds the lock.

    Raises:
        ModelTampered: the file of the version to go back to is not the one that was registered.
    """
    found = version_of(workspace, usecase, to["model_version"])
    first = str(asked.first)
    return _enter(workspace, usecase, run, asked, first=first, found=found, kind="rollback", evidence=evidence)


def _enter(
    workspace: Workspace, usecase: UseCase, run: Run, asked: Asked, *, first: str, found: Version, kind: Any,
    evidence: Mapping[str, Any] | None = None,
) -> Change:  # fmt: skip
    deployments = Deployments(workspace.ledger, usecase)
    replaces, canary = deployments.carried(first), deployments.canary(first)
    if kind == "rollback" and canary is not None and replaces is not None and replaces["model_version"] == found.key:
        replaces = canary
    if replaces is not None and replaces["model_version"] == found.key:
        raise DeploymentRefused(f"{found.key} serves on {first} anyway")
    if replaces is None and kind == "rollback":
        raise DeploymentRefused(f"nothing serves on {first}, so nothing can be rolled back")
    if not asked.reason.strip():
        raise DeploymentRefused("give a reason: whoever reads the ledger will ask for it")
    checked(workspace, usecase, found)
    workspace.ledger.append(
        run, kind=kind, subject="model", partition=first, decision="ROLLBACK" if kind == "rollback" else "PROMOTE",
        effective_at=start_of(first),
        payload={
            "serves": found.serves(), "replaces": replaces, "reason": asked.reason, "actor": asked.actor,
            "is_automatic": evidence is not None, "evidence": dict(evidence or {}),
        },
    )  # fmt: skip
    entry = workspace.ledger.last(usecase.name, kind, "model", partition=first)
    if entry is None:
        raise LookupError(f"the ledger does not give back the {kind} of {usecase.name} that was entered for {first}")
    return change_of(workspace, usecase, entry)


def change_of(workspace: Workspace, usecase: UseCase, entry: Entry) -> Change:
    """Return what an entry changed, and let the alias follow."""
    deployments, said, first = Deployments(workspace.ledger, usecase), entry.payload, entry.partition
    decided, month = deployments.months, month_of(first)
    months = tuple(sorted({month, *(each for each in decided if each >= month)}))
    standing = max((each for each in decided if each <= month), default=decided[0])
    return Change(
        decision=entry.decision, first=first, serves=said["serves"], replaces=said["replaces"], actor=said["actor"],
        reason=said["reason"], months=months, decided=shift_month(standing, -1),
        alias=mirror(workspace, usecase, deployments),
    )  # fmt: skip


def _made_before(workspace: Workspace, usecase: UseCase, kind: Any, run: Run) -> Entry | None:
    """Return what an earlier try of this run entered, before it died."""
    if run.try_number == 1:
        return None
    entries = workspace.ledger.entries(usecase.name, kind=kind, subject="model")
    return next((entry for entry in entries if entry.run_id == run.run_id), None)


def _first_day(workspace: Workspace, usecase: UseCase, deployments: Deployments, asked: Asked) -> str:
    """Return the day from which the change holds."""
    if not deployments.months:
        raise DeploymentRefused(f"nothing was decided for {usecase.name} yet: a change needs something that serves")
    decided = f"{deployments.months[0]}-01"
    scored = workspace.lake(usecase).partitions("predictions")
    unscored = max(decided, shift_day(scored[-1], 1)) if scored else decided
    first = day_key(parse_day(asked.first)) if asked.first else unscored
    if first < decided:
        raise DeploymentRefused(f"nothing served before {decided}; choose a day from then on by --from")
    if not usecase.calendar.holds(first):
        raise DeploymentRefused(
            f"{first} lies outside the calendar of {usecase.name}, {usecase.calendar.first} to "
            f"{usecase.calendar.last or 'today'}; choose a day of it by --from"
        )
    return first
