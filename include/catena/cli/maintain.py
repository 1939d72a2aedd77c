"""The command that keeps the lake: maintain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from catena.cli.terminal import AsJson, console, print_json, print_rows

if TYPE_CHECKING:
    from catena.run import Outcome


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Work")(maintain)


def maintain(
    usecase: Annotated[str | None, typer.Argument(help="Only this use case.")] = None,
    retention_hours: Annotated[
        int | None, typer.Option(min=1, help="How long replaced files are kept; default: as the settings say.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compact and checkpoint tables, and delete files that no kept version needs, as `platform.maintain` does nightly.

    [bold]Examples[/]

      catena maintain

      catena maintain flight_delays --retention-hours 168 --json
    """
    from uuid import uuid4

    from catena.chain.upkeep import maintain_tables
    from catena.declared import declared_usecase, declared_usecases
    from catena.run import Run
    from catena.workspace import Workspace

    workspace, run_id = Workspace(), f"cli__{uuid4()}"
    outcomes = {
        declared.name: maintain_tables(workspace, declared, Run(declared.name, "maintain", run_id), retention_hours)
        for declared in ([declared_usecase(usecase)] if usecase else declared_usecases())
    }
    if as_json:
        print_json({name: outcome.as_dict() for name, outcome in outcomes.items()})
        return
    for name, outcome in outcomes.items():
        _print(name, outcome)


def _print(usecase: str, outcome: Outcome) -> None:
    console().print(f"{usecase}: {outcome.reason}", highlight=False)
    tables = outcome.details["tables"].values()
    if not tables:
        return
    rows = [
        (t["table"], t["files_before"], t["files_after"], t["bytes_before"], t["bytes_after"], t["deleted_files"],
         t["version_after"], t["conflict"])
        for t in tables
    ]  # fmt: skip
    names = ("table", "files before", "after", "bytes before", "after", "deleted", "version", "left for next time")
    print_rows(usecase, names, rows)
