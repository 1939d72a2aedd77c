"""The command that shows what the links cost."""

from __future__ import annotations

from typing import Annotated

import typer

from catena.cli.terminal import AsJson, print_json, print_rows


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="A look")(cost)


def cost(
    usecase: Annotated[str, typer.Argument(help="Use case.")],
    month: Annotated[str | None, typer.Option(help="Only this month, as 2013-03.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the CPU seconds and rows of each link by month, as commits and ledger recorded them.

    [bold]Example[/]

      catena cost flight_delays --month 2013-03
    """
    from dataclasses import asdict

    from catena.chain.watching.cost import costs
    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    found = [asdict(each) for each in costs(Workspace(), declared_usecase(usecase)) if month in (None, each.month)]
    if as_json:
        print_json(found)
        return
    columns = ("month", "link", "runs", "cpu_s", "rows")
    print_rows(f"{usecase}: CPU seconds by link", columns, [[each[name] for name in columns] for each in found])
