"""Commands on features: select."""

from __future__ import annotations

from typing import Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json, print_rows

app = typer.Typer(help="Features: which a model needs, and why.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `select` a command of its own."""


@app.command()
def select(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    month: Annotated[str, typer.Option(help="Training month, as 2013-03.")],
    as_json: AsJson = False,
) -> None:
    """Select the features of a training month, with the reason for each that is kept or dropped, and write the page.

    Measured once for a training set and a declaration: the ledger keeps it. Exit code 1 where days are missing.

    [bold]Example[/]

      catena features select flight_delays --month 2013-03
    """
    import os

    from catena.chain.training.selection import select_month
    from catena.declared import declared_usecase
    from catena.partitions import parse_month
    from catena.run import Run
    from catena.workspace import Workspace

    parse_month(month)
    declared = declared_usecase(usecase)
    outcome = select_month(Workspace(), declared, month, Run(declared.name, "select", f"cli-{os.getpid()}"))
    if as_json:
        print_json(outcome.as_dict())
    if outcome.status == "skipped":
        if not as_json:
            error_console().print(outcome.reason, highlight=False, markup=False)
        raise typer.Exit(WORK_FAILED)
    if not as_json:
        verdicts = [
            (item["column"], "kept" if item["is_kept"] else "dropped", item["because"], item["reason"])
            for item in outcome.details["features"]
        ]
        print_rows(f"Features of {usecase} for {month}", ("feature", "verdict", "because", "reason"), verdicts)
        console().print(f"{outcome.reason}\n{outcome.details['path']}", highlight=False, markup=False)
