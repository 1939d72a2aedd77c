"""The search link: before the training of a month that is due, which recipe the trainings from then on take.

A plan names what is searched, each family is searched by itself, and the conclusion is written to the ledger; how a
family is searched, and what is shown, belongs in `catena.modeling`. Between the steps goes small JSON.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catena.chain.exclusive import exclusively
from catena.chain.training.recipes import Recipes
from catena.chain.training.search_record import SUBJECT, Concluded, record_failure, record_search
from catena.chain.training.selection import selected_features
from catena.chain.training.snapshots import Snapshot, open_snapshot, take_snapshot
from catena.chain.training.training_data import NEVER_TRAINS, TrainingTables
from catena.declaration import Model, Search, UseCase
from catena.governance import Entry, Ledger
from catena.modeling.errors import ModelingError
from catena.modeling.search import Findings, Trial, search_family
from catena.modeling.winner import Searched, conclude
from catena.partitions import month_of
from catena.run import Outcome, Run
from catena.workspace import Workspace

LOG = logging.getLogger(__name__)
Progress = Callable[[Trial], None]
Job = dict[str, Any]
"""A family to be searched: its name, the month, the snapshot, the columns that were selected, trials where given."""


class NotSearchable(LookupError):
    """A search that nobody can carry out: none is declared, or its month is not there."""


@dataclass(frozen=True)
class _Field:
    """What a search works on: the snapshot's training part, the columns, the recipe in force."""

    usecase: UseCase
    search: Search
    snapshot: Snapshot
    model: Model
    in_force: Model

    @property
    def searched(self) -> Searched:
        return Searched(
            self.snapshot.data.train, self.model, self.in_force, self.search, self.usecase.gate
        )  # fmt: skip


def plan_search(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Return what is to be searched before the first training that waits for a search, if its days are all there.

    Training hears of the month in any case, and reads from the ledger whether it still has to wait.

    Args:
        month: of the run: its days have come, which may be those that another month waited for.

    Returns:
        The outcome, with one job for each family in its details, or none.
    """

    def planned(reason: str, jobs: Sequence[Job] = ()) -> Outcome:
        return Outcome("published", reason, (month,), details={"jobs": list(jobs)})

    if not usecase.trains:
        return Outcome("skipped", NEVER_TRAINS, details={"jobs": []})
    if usecase.search is None:
        return planned(f"{usecase.name} declares no search")
    tables = TrainingTables(workspace.lake(usecase), workspace.ledger, usecase)
    awaited = _awaited(workspace, usecase, month, tables)
    if not awaited:
        return planned(f"no training up to {month} waits for a search")
    if missing := tables.missing(awaited[0]):
        return planned(f"the search of {awaited[0]} waits for {', '.join(missing[:5])}")
    jobs = _plan(workspace, usecase, awaited[0], run, tables)
    return planned(f"{awaited[0]}: {', '.join(job['family'] for job in jobs)} are searched", jobs)


def search_one(
    workspace: Workspace, usecase: UseCase, job: Job, progress: Progress | None = None, opened: Snapshot | None = None
) -> dict[str, Any]:
    """Return what was found in a family, as JSON; why not, where the data forbid it.

    Args:
        progress: told of each trial; by default the log.
        opened: the snapshot, where it is open already.
    """
    metric = usecase.gate.metric
    field = _field(workspace, usecase, job, opened)

    def told(trial: Trial) -> None:
        LOG.info("%s", trial.said(metric))
        if progress is not None:
            progress(trial)

    try:
        found = search_family(
            field.snapshot.data.train, field.model, field.search, job["family"], metric,
            in_force=field.in_force.recipe, trials=job.get("trials"), progress=told,
        )  # fmt: skip
    except ModelingError as error:
        LOG.exception("%s of %s cannot be searched for %s", job["family"], usecase.name, job["month"])
        return {"job": job, "findings": None, "failure": f"{type(error).__name__}: {error}"}
    return {"job": job, "findings": found.as_dict(), "failure": ""}


def conclude_search(
    workspace: Workspace, usecase: UseCase, found: Sequence[dict[str, Any]], run: Run, opened: Snapshot | None = None
) -> Outcome:
    """Decide by what was found in all families, write it to the ledger and the trials to MLflow.

    Data that forbid a search end it as FAILED, not as an error: the recipe in force stays, and training goes on.

    Args:
        found: of each family, from `search_one`.
    """
    job: Job = found[0]["job"]
    month = str(job["month"])
    with exclusively(workspace.engine, (usecase.name, "search")):
        if (there := _standing(workspace.ledger, usecase, month)) is not None:
            return Outcome("unchanged", f"{month} is concluded already: {there.decision}", (month,))
        failures = [each["failure"] for each in found if each["failure"]]
        field = _field(workspace, usecase, job, opened)
        findings = [Findings.of(each["findings"]) for each in found if each["findings"]]
        try:
            concluded = None if failures else conclude(field.searched, findings)
        except ModelingError as error:
            LOG.exception("the search of %s for %s cannot be concluded", usecase.name, month)
            concluded, failures = None, [f"{type(error).__name__}: {error}"]
        if concluded is None:
            entry = record_failure(workspace, usecase, month, run, failures[0])
        else:
            chosen = job.get("selection")
            made = Concluded(concluded, findings, field.snapshot, field.model, field.search, chosen)
            entry = record_search(workspace, usecase, month, run, made)
    return Outcome(
        "published", f"{month}: {entry['decision']}, {entry['reason']}", (month,),
        details={name: entry[name] for name in ("decision", "reason", "recipe")},
    )  # fmt: skip


def search_in_process(
    workspace: Workspace, usecase: UseCase, month: str, run: Run,
    *, trials: int | None = None, progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """Search a month from its plan to its conclusion, one family after the other; a month that is concluded stays so.

    Args:
        month: also one before whose training no search is due.
        trials: of each family, in place of what is declared.

    Raises:
        NotSearchable: no search is declared, nothing is trained here, or days of the month are missing.
    """
    if not usecase.trains:
        raise NotSearchable(NEVER_TRAINS)
    if usecase.search is None:
        raise NotSearchable(f"{usecase.name} declares no search: add `search` to its declaration")
    if (there := _standing(workspace.ledger, usecase, month)) is not None:
        return Outcome("unchanged", f"{month} is concluded already: {there.decision}", (month,))
    tables = TrainingTables(workspace.lake(usecase), workspace.ledger, usecase)
    if missing := tables.missing(month):
        raise NotSearchable(f"{month} cannot be searched: {', '.join(missing[:5])} are not there; ingest them first")
    jobs = [job | {"trials": trials} for job in _plan(workspace, usecase, month, run, tables)]
    opened = open_snapshot(workspace.lake(usecase), workspace.ledger, usecase, jobs[0]["snapshot"])
    found = [search_one(workspace, usecase, job, progress, opened) for job in jobs]
    return conclude_search(workspace, usecase, found, run, opened)


def search_what_waits(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> list[str]:
    """Search the later months that waited for a month's conclusion, where their days came first; return them."""
    tables = TrainingTables(workspace.lake(usecase), workspace.ledger, usecase)
    done: list[str] = []
    for each in _awaited(workspace, usecase, month, tables):
        if tables.missing(each):
            break
        search_in_process(workspace, usecase, each, run)
        done.append(each)
    return done


def fail_search(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> Outcome:
    """Record that a search broke down for good, so that training does not wait for it: the recipe in force stays.

    Args:
        month: of the run that broke down; training hears of it, as the plan would have told.
    """
    tables = TrainingTables(workspace.lake(usecase), workspace.ledger, usecase)
    with exclusively(workspace.engine, (usecase.name, "search")):
        awaited = _awaited(workspace, usecase, month, tables)
        if not awaited or tables.missing(awaited[0]):
            return Outcome("published", f"no training up to {month} waits for a search that broke down", (month,))
        reason = "it broke down; the log of the run names the error"
        record_failure(workspace, usecase, awaited[0], run, reason, is_breakdown=True)
    return Outcome("published", f"{awaited[0]}: FAILED, {reason}", tuple(sorted({month, awaited[0]})))


def _plan(workspace: Workspace, usecase: UseCase, month: str, run: Run, tables: TrainingTables) -> list[Job]:
    """Return one job for each family, on a snapshot of the month."""
    assert usecase.search is not None
    in_force = Recipes(workspace.ledger, usecase).usecase(month)
    lake = workspace.lake(usecase)
    snapshot = take_snapshot(lake, workspace.ledger, in_force, month, run=run, versions=tables.versions())
    # What no model needs is left out before kinds of model are compared, on the same training part.
    selected = selected_features(workspace, usecase, snapshot, run)
    told = {
        "month": month, "snapshot": snapshot.name, "numeric": list(selected.numeric),
        "categorical": list(selected.categorical), "selection": selected.as_dict(),
    }  # fmt: skip
    return [{"family": family.name, **told} for family in usecase.search.families]


def _field(workspace: Workspace, usecase: UseCase, job: Job, opened: Snapshot | None) -> _Field:
    if usecase.search is None:
        raise NotSearchable(f"{usecase.name} declares no search: add `search` to its declaration")
    snapshot = opened or open_snapshot(workspace.lake(usecase), workspace.ledger, usecase, job["snapshot"])
    columns = {name: tuple(job[name]) for name in ("numeric", "categorical")}
    in_force = Recipes(workspace.ledger, usecase).model(job["month"])
    return _Field(usecase, usecase.search, snapshot, usecase.model.model_copy(update=columns), in_force)


def _awaited(workspace: Workspace, usecase: UseCase, month: str, tables: TrainingTables) -> list[str]:
    """Return the months that wait for a search, up to the newest or to one; what was trained is not searched after.

    A month that a policy of a backtest does not train waits too: its search comes before the next training.
    """
    newest = tables.newest_day()
    up_to = month if newest is None else max(month, month_of(newest))
    candidates = workspace.ledger.entries(usecase.name, kind="candidate", subject="model")
    trained = {entry.partition for entry in candidates if entry.decision != "SKIPPED"}
    return [each for each in Recipes(workspace.ledger, usecase).awaited(up_to) if each not in trained]


def _standing(ledger: Ledger, usecase: UseCase, month: str) -> Entry | None:
    """Return the conclusion of a month that stands; one that broke down may be made again."""
    found = ledger.last(usecase.name, "search", SUBJECT, partition=month)
    return None if found is None or found.decision == "FAILED" else found
