"""Commands on model versions: history, show, promote, rollback; the others stand in files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli import card, replay, staleness, transfer
from catena.cli.terminal import AsJson, console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.chain.deploying.redeploy import Asked, Change
    from catena.governance import Entry
    from catena.run import Run

app = typer.Typer(help="Versions of models: which served when and why, and which shall serve.", no_args_is_help=True)
replay.register(app)
card.register(app)
transfer.register(app)
staleness.register(app)

OfUseCase = Annotated[str, typer.Argument(help="Declared use case.")]
OfVersion = Annotated[str, typer.Argument(help="Version, as flight_delays/3 or 3.")]
FromDay = Annotated[
    str | None, typer.Option("--from", help="First day that it serves; default: the first that is not scored yet.")
]
Reason = Annotated[str, typer.Option(help="Why; kept in the ledger with who and when.")]


@app.command()
def history(usecase: OfUseCase, as_json: AsJson = False) -> None:
    """Show which version served from when to when, why, and who decided it.

    [bold]Example[/]

      catena models history flight_delays
    """
    from catena.chain.deploying.deployments import Deployments
    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    spells = Deployments(Workspace().ledger, declared_usecase(usecase)).served()
    rows = [
        {
            "version": spell.serves["model_version"], "role": spell.serves["role"], "from": spell.first,
            "to": spell.last, "keys": f"{spell.share:.0%}", "kind": spell.entry.kind,
            "who": _who(spell.entry.payload),
            "recorded_at": spell.entry.recorded_at, "why": _why(spell.entry.payload),
        }
        for spell in spells
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    columns = ("version", "role", "from", "to", "keys", "kind", "who", "why")
    for row in rows:
        # A line is for the eye; `show` and --json give every reason.
        row["why"] = str(row["why"]).partition("; ")[0]
    print_rows(f"What served for {usecase}", columns, [[row[name] for name in columns] for row in rows])


@app.command()
def show(usecase: OfUseCase, version: OfVersion, as_json: AsJson = False) -> None:
    """Show what a version was made of, how it was judged, and where it served.

    [bold]Example[/]

      catena models show flight_delays flight_delays/2
    """
    from catena.chain.deploying.redeploy import FINAL_FAULTS
    from catena.chain.deploying.versions import version_of
    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    workspace = Workspace()
    try:
        found = version_of(workspace, declared_usecase(usecase), version)
    except FINAL_FAULTS as error:
        raise _refused(error) from error
    trained = found.candidate.payload if found.candidate else {}
    judged = found.decision
    shown = {
        "version": found.key, "role": found.role, "training_month": found.month, "digest": found.sha256,
        "run_id": found.run_id, "dataset": trained.get("dataset"),
        "recipe": trained.get("recipe"), "calibration": trained.get("calibration"), "search": trained.get("search"),
        "metrics": trained.get("metrics"),
        "decision": judged and judged.decision, "decided_for": judged and judged.partition,
        "why": _why(judged.payload) if judged else None,
        "served": [{"from": spell.first, "to": spell.last, "keys": f"{spell.share:.0%}", "kind": spell.entry.kind}
                   for spell in found.spells],
        "beside": [_beside(entry) for entry in workspace.ledger.entries(usecase, kind="shadow", subject=found.key)],
    }  # fmt: skip
    if as_json:
        print_json(shown)
        return
    print_rows(found.key, ("fact", "value"), list(shown.items()))


@app.command()
def promote(
    usecase: OfUseCase,
    version: OfVersion,
    reason: Reason,
    first: FromDay = None,
    allow_baseline: Annotated[bool, typer.Option("--allow-baseline", help="Let a baseline serve.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a version serve from a day on, past the gate; the ledger keeps who, when and why.

    [bold]Example[/]

      catena models promote flight_delays flight_delays/2 --from 2013-03-10 --reason "agreed with operations"
    """
    from catena.chain.deploying.redeploy import promote_version
    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    declared = declared_usecase(usecase)

    def change(asked: Asked, run: Run) -> Change:
        return promote_version(Workspace(), declared, version, asked, run, allow_baseline=allow_baseline)

    _carry_out(change, usecase, reason, first, as_json=as_json)


@app.command()
def rollback(
    usecase: OfUseCase,
    reason: Reason,
    to: Annotated[str | None, typer.Option(help="Version; default: the last one that served before.")] = None,
    first: FromDay = None,
    as_json: AsJson = False,
) -> None:
    """Go back to the last version that served before the current one; the ledger keeps who, when and why.

    [bold]Examples[/]

      catena models rollback flight_delays --reason "complaints from the gates"

      catena models rollback flight_delays --to flight_delays/1 --from 2013-03-10 --reason "the same error again"
    """
    from catena.chain.deploying.redeploy import roll_back
    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    declared = declared_usecase(usecase)

    def change(asked: Asked, run: Run) -> Change:
        return roll_back(Workspace(), declared, to, asked, run)

    _carry_out(change, usecase, reason, first, as_json=as_json)


def _carry_out(make: Any, usecase: str, reason: str, first: str | None, *, as_json: bool) -> None:
    """Make a change in the name of the user of this shell, start what follows from it, and say what serves."""
    from getpass import getuser
    from uuid import uuid4

    from catena.chain.deploying.redeploy import FINAL_FAULTS, Asked
    from catena.platform.follow_up import follow_up
    from catena.run import Run
    from catena.settings import settings

    run = Run(usecase=usecase, link="models", run_id=f"manual__{uuid4()}")
    try:
        change = make(Asked(f"os:{getuser()}", reason, first), run)
    except FINAL_FAULTS as error:
        raise _refused(error) from error
    started, waiting = follow_up(settings(), usecase, months=change.months, decided=change.decided)
    if as_json:
        print_json(change.as_dict() | {"runs": started, "waiting": waiting})
        return
    replaced = f" in place of {change.replaces['model_version']}" if change.replaces else ""
    out = console()
    out.print(f"{change.serves['model_version']} serves {usecase} from {change.first}{replaced}", highlight=False)
    out.print(f"asked by {change.actor}: {change.reason}", highlight=False, markup=False)
    out.print(waiting or f"started: {', '.join(started)}", highlight=False)
    if change.alias:
        out.print(change.alias, highlight=False, markup=False)


def _refused(error: Exception) -> typer.BadParameter:
    # A KeyError shows its message as a literal.
    return usage_error(str(error.args[0]))


def _who(payload: dict[str, Any]) -> str:
    """Return who decided: a person by hand, a person who approved what the gate found, or the gate alone."""
    if approval := payload.get("approval"):
        return f"gate, {approval['said'].lower()} by {approval['on_behalf_of'] or approval['actor'] or 'nobody'}"
    return str(payload.get("actor") or "gate")


def _beside(entry: Entry) -> dict[str, Any]:
    """Return what a version came to while it was scored beside another one."""
    said = entry.payload
    gain = {name: said["gain"][name] for name in ("estimate", "low", "high", "days", "rows")}
    return {
        "as": said["kind"], "over": said["champion"], "from": said["first"], "to": said["last"],
        "gain_in": said["metric"], **gain, "verdict": entry.decision,
    }  # fmt: skip


def _why(payload: dict[str, Any]) -> str:
    return "; ".join(str(reason) for reason in payload.get("reasons") or [payload.get("reason") or ""])
