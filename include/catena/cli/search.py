"""The command that looks for a better recipe: search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.declaration import UseCase
    from catena.governance import Entry
    from catena.modeling.search import Trial
    from catena.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Work")(search)


def search(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    month: Annotated[str, typer.Option(help="Training month, as 2013-03.", show_default=False)],
    trials: Annotated[int | None, typer.Option(min=1, help="Trials of each family; default: as declared.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make a concluded search again from its record, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search the recipe that trainings from a month on take, in this process; show families, best values, decision.

    A month that is concluded is shown as it is on record. The decision goes to the ledger: a recipe that is shown to be
    better is what the month's training takes, where that is still to come, and each later one. Exit code 1 where the
    search failed, or where something differs from the record.

    [bold]Examples[/]

      catena search flight_delays --month 2013-03

      catena search flight_delays --month 2013-03 --again --json
    """
    import os

    from catena.chain.training.search import NotSearchable, search_in_process
    from catena.declared import declared_usecase
    from catena.partitions import parse_month
    from catena.run import Run
    from catena.workspace import Workspace

    declared, workspace = declared_usecase(usecase), Workspace()
    parse_month(month)
    if again:
        _compare(workspace, declared, month, as_json=as_json)
        return
    run = Run(declared.name, "search", f"cli-{os.getpid()}")
    progress = _progress(declared.gate.metric)
    try:
        search_in_process(workspace, declared, month, run, trials=trials, progress=progress)
    except NotSearchable as error:
        raise usage_error(str(error)) from error
    entry = _entry(workspace, declared, month)
    if as_json:
        print_json({"month": month, "decision": entry.decision, **entry.payload})
    else:
        _print(entry)
    if entry.decision == "FAILED":
        raise typer.Exit(WORK_FAILED)


def _compare(workspace: Workspace, usecase: UseCase, month: str, *, as_json: bool) -> None:
    from catena.chain.training.search_record import repeat_search

    entry = _entry(workspace, usecase, month)
    if entry.decision == "FAILED":
        raise usage_error(f"the search of {month} failed: there is nothing to compare with")
    differences = repeat_search(workspace, usecase, entry, _progress(str(entry.payload["metric"])))
    if as_json:
        print_json({"month": month, "is_equal": not differences, "differences": differences})
    else:
        said = differences or [f"{month}: {len(entry.payload['trials'])} trials and the decision are as recorded"]
        for line in said:
            console().print(line, highlight=False, markup=False)
    if differences:
        raise typer.Exit(WORK_FAILED)


def _entry(workspace: Workspace, usecase: UseCase, month: str) -> Entry:
    found = workspace.ledger.last(usecase.name, "search", "model", partition=month)
    if found is None:
        raise usage_error(f"no search of {usecase.name} for {month} is on record: leave `--again` out to make it")
    return found


def _progress(metric: str) -> Any:
    errors = error_console()

    def told(trial: Trial) -> None:
        errors.print(trial.said(metric), highlight=False, markup=False)

    return told


def _print(entry: Entry) -> None:
    said = entry.payload
    if families := said["families"]:
        columns = ("family", "trials", "pruned", "failed", "cut short", "CPU s", f"best {said['metric']}", "params")
        rows: list[tuple[Any, ...]] = [
            (
                name, f"{each['done']} of {each['asked']}", each["pruned"], each["failed"],
                "yes" if each["is_cut_short"] else "", each["cpu_seconds"], _number(each["best"]), each["params"],
            )
            for name, each in families.items()
        ]  # fmt: skip
        rows += [(name, "", "", "", "", "", _number(value), "") for name, value in said["values"].items()]
        print_rows(f"Search of {entry.partition} on {said['snapshot']}", columns, rows)
    console().print(f"{entry.decision}: {said['reason']}", highlight=False, markup=False)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
