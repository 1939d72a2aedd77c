"""The command that explores tables over a period: explore."""

from __future__ import annotations

from typing import Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json, print_rows, usage_error


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="A look")(explore)


def explore(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    first: Annotated[str, typer.Option("--from", help="First day, as 2013-01-01.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="Last day, included.", show_default=False)],
    tables: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table; may be given again. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explore tables: distributions, gaps, associations, drift, the target by day and slice, and signs of leakage.

    Writes one page, and enters in the ledger what was found. Whole months are the pages that the DAG makes. Exit code 1
    where days of the range are not there yet.

    [bold]Examples[/]

      catena explore flight_delays --from 2013-01-01 --to 2013-01-31

      catena explore flight_delays --from 2013-02-05 --to 2013-02-20 --table weather --json
    """
    import os

    from catena.chain.exploring.explore import UnknownTable
    from catena.chain.exploring.explore import explore as explore_period
    from catena.declared import declared_usecase
    from catena.partitions import period_key
    from catena.run import Run
    from catena.workspace import Workspace

    declared = declared_usecase(usecase)
    if first > last:
        raise typer.BadParameter(f"{first} is after {last}", param_hint="--from")
    period, workspace = period_key(first, last), Workspace()
    run = Run(declared.name, "explore", f"cli-{os.getpid()}")
    try:
        outcome = explore_period(workspace, declared, period, run, tables or ())
    except UnknownTable as error:
        raise usage_error(str(error)) from error
    if as_json:
        print_json(outcome.as_dict())
    if outcome.status == "skipped":
        if not as_json:
            error_console().print(outcome.reason, highlight=False, markup=False)
        raise typer.Exit(WORK_FAILED)
    if not as_json:
        checks = outcome.details["checks"]
        rows = [(check["how"], check["verdict"], check["checked"], check["reason"]) for check in checks]
        if rows:
            print_rows("Leakage", ("looked at", "verdict", "columns", "why not"), rows)
        for alarm in (alarm for check in checks for alarm in check["alarms"]):
            console().print(f"{alarm['subject']} {alarm['reason']}", highlight=False, markup=False)
        console().print(f"{outcome.reason}\n{outcome.details['path']}", highlight=False, markup=False)
