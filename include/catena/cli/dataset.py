"""Commands on training sets: list, show, diff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli.terminal import AsJson, console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.declaration import UseCase

app = typer.Typer(help="Training sets: named snapshots that never change.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="Name, as flight_delays/2013-03@1a2b3c4d; or <use case>/2013-03.")]


@app.command("list")
def list_snapshots(
    usecase: Annotated[str | None, typer.Argument(help="Only this use case.")] = None, as_json: AsJson = False
) -> None:
    """List the training sets that were taken.

    [bold]Example[/]

      catena dataset list flight_delays
    """
    from catena.chain.training.snapshot_views import listed
    from catena.declared import declared_usecase, declared_usecases
    from catena.workspace import Workspace

    workspace = Workspace()
    declared = [declared_usecase(usecase)] if usecase else declared_usecases()
    rows = [row for each in declared for row in listed(workspace.ledger, each)]
    if as_json:
        print_json(rows)
        return
    names = ("snapshot", "rows", "train", "purged", "holdout", "label mean", "versions")
    print_rows("Training sets", names, [[_text(row[name]) for name in names] for row in rows])


@app.command()
def show(name: Named, as_json: AsJson = False) -> None:
    """Show what a training set is: boundaries, counts, features, label rule, hash, tables, versions trained on it.

    [bold]Example[/]

      catena dataset show flight_delays/2013-03
    """
    from catena.chain.training.snapshot_views import shown
    from catena.workspace import Workspace

    workspace = Workspace()
    usecase = _usecase(name)
    facts = shown(workspace.ledger, usecase, _full_name(workspace.ledger, usecase, name))
    if as_json:
        print_json(facts)
        return
    print_rows(str(facts["snapshot"]), ("what", "is"), [(key, _text(value)) for key, value in facts.items()])


@app.command()
def diff(before: Named, after: Named, as_json: AsJson = False) -> None:
    """Show how two training sets differ: rows by day, columns, label rule, boundaries, model.

    [bold]Example[/]

      catena dataset diff flight_delays/2013-01 flight_delays/2013-02
    """
    from catena.chain.training.snapshot_views import compared
    from catena.workspace import Workspace

    workspace, usecase = Workspace(), _usecase(before)
    if _usecase(after).name != usecase.name:
        raise usage_error("only training sets of one use case can be compared")
    names = [_full_name(workspace.ledger, usecase, name) for name in (before, after)]
    found = compared(workspace, usecase, names[0], names[1])
    if as_json:
        print_json(found)
        return
    for what, changes in found["definition"].items():
        print_rows(f"{what}", ("before -> after",), [(change,) for change in changes])
    days = found["days"]
    columns = ("day", "rows before", "after", "added", "removed", "changed", "in columns")
    print_rows(
        f"{' -> '.join(names)}: {len(days)} days differ", columns, [[_text(day[c]) for c in columns] for day in days]
    )
    if not days and not found["definition"]:
        console().print("the same rows under the same definition", highlight=False)


def _usecase(name: str) -> UseCase:
    from catena.declared import declared_usecase

    return declared_usecase(name.partition("/")[0])


def _full_name(ledger: Any, usecase: UseCase, name: str) -> str:
    from catena.chain.training.snapshots import UnknownSnapshot, full_name

    try:
        return full_name(ledger, usecase, name)
    except UnknownSnapshot as error:
        raise usage_error(str(error)) from error


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
