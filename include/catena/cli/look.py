"""Commands that show what there is: usecases, tables, table, ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli.terminal import AsJson, console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.declaration import UseCase

OfUseCase = Annotated[str | None, typer.Option("--usecase", help="Use case; needed where several have such a table.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (usecases, tables, table, ledger):
        app.command(rich_help_panel="A look")(command)


def usecases(as_json: AsJson = False) -> None:
    """List the declared use cases.

    [bold]Example[/]

      catena usecases
    """
    from catena.declared import declared_usecases

    rows = [
        {"name": u.name, "question": u.question, "model": u.model.kind, "first": u.calendar.first,
         "last": u.calendar.last, "owner": u.owner}
        for u in declared_usecases()
    ]  # fmt: skip
    _show("Use cases", rows, as_json)


def tables(usecase: OfUseCase = None, as_json: AsJson = False) -> None:
    """List the tables of the lake.

    [bold]Examples[/]

      catena tables

      catena tables --usecase flight_delays --json
    """
    from catena.declared import declared_usecase, declared_usecases
    from catena.workspace import Workspace

    workspace, rows = Workspace(), []
    for declared in [declared_usecase(usecase)] if usecase else declared_usecases():
        lake = workspace.lake(declared)
        for name, declaration in lake.tables.items():
            partitions = lake.partitions(name) if declaration.is_partitioned else []
            rows.append({
                "usecase": declared.name, "table": name, "version": lake.version(name), "partitions": len(partitions),
                "first": partitions[0] if partitions else None, "last": partitions[-1] if partitions else None,
                "description": declaration.description,
            })  # fmt: skip
    _show("Tables", rows, as_json)


def table(
    name: Annotated[str, typer.Argument(help="Table of the lake.")],
    usecase: OfUseCase = None,
    partition: Annotated[str | None, typer.Option(help="Only this partition, as 2013-01-05.")] = None,
    version: Annotated[int | None, typer.Option(help="A past version.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of rows.")] = 20,
    add_columns: Annotated[bool, typer.Option("--add-columns", help="Add the columns newly declared.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show rows of a table, of today's or a past version.

    [bold]Examples[/]

      catena table schedule --usecase flight_delays --partition 2013-01-05 --limit 5

      catena table features --usecase flight_delays --version 3 --json
    """
    from deltalake.exceptions import DeltaError

    from catena.lake import VersionGone
    from catena.lake import add_columns as add_declared_columns
    from catena.workspace import Workspace

    declared = _having(name, usecase)
    lake = Workspace().lake(declared)
    if lake.version(name) is None:
        raise usage_error(f"table {name} of {declared.name} holds nothing yet")
    if add_columns:
        console().print(f"added: {', '.join(add_declared_columns(lake, name)) or 'nothing, the table is as declared'}")
        return
    try:
        rows = lake.read(name, [partition] if partition else None, version=version)
    except DeltaError as error:
        raise usage_error(f"table {name} has no version {version}: {error}") from error
    except VersionGone as error:
        raise usage_error(str(error)) from error
    shown = rows.slice(0, limit).to_pylist()
    title = f"{declared.name}.{name}: {len(shown)} of {rows.num_rows} rows"
    _show(title, shown, as_json, columns=rows.column_names)


def ledger(
    usecase: Annotated[str | None, typer.Argument(help="Only this use case.")] = None,
    as_of: Annotated[str | None, typer.Option(help="What held at the start of this day, as 2013-03-01.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind: promotion, candidate, quality, report, …")] = None,
    entry: Annotated[int | None, typer.Option(help="Only the entry of this number, with all its facts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the decisions: quality verdicts, candidates, promotions, reports, in logical order.

    [bold]Examples[/]

      catena ledger flight_delays --kind promotion

      catena ledger flight_delays --as-of 2013-03-01 --json
    """
    from dataclasses import asdict

    from catena.declared import declared_usecase
    from catena.partitions import start_of
    from catena.workspace import Workspace

    if usecase:
        declared_usecase(usecase)
    at = start_of(as_of) if as_of else None
    entries = Workspace().ledger.entries(usecase, kind=kind, as_of=at)  # type: ignore[arg-type]
    if entry is not None:
        entries = [each for each in entries if each.id == entry]
    if as_json or entry is not None:
        print_json([asdict(entry) for entry in entries])
        return
    rows = [
        (e.usecase, e.effective_at.date(), e.kind, e.subject, e.partition, e.decision, _reason(e.payload))
        for e in entries
    ]
    columns = ("usecase", "effective", "kind", "subject", "partition", "decision", "why")
    print_rows(f"Ledger: {len(rows)} entries", columns, rows)


def _reason(payload: dict[str, Any]) -> str:
    reasons = payload.get("reasons") or [payload.get("headline") or payload.get("reason") or ""]
    return "; ".join(str(reason) for reason in reasons)[:160]


def _having(table_name: str, usecase: str | None) -> UseCase:
    from catena.declared import declared_usecase, declared_usecases
    from catena.lake import lake_tables

    candidates = [declared_usecase(usecase)] if usecase else list(declared_usecases())
    having = [u for u in candidates if table_name in {declared.name for declared in lake_tables(u)}]
    if not having:
        there = sorted({declared.name for u in candidates for declared in lake_tables(u)})
        raise usage_error(f"no table {table_name!r}; there are: {', '.join(there)}")
    if len(having) > 1:
        raise usage_error(f"{table_name} exists in {', '.join(u.name for u in having)}: choose one by --usecase")
    return having[0]


def _show(title: str, rows: list[dict[str, Any]], as_json: bool, columns: list[str] | None = None) -> None:
    if as_json:
        print_json(rows)
        return
    names = columns or (list(rows[0]) if rows else ["nothing"])
    print_rows(title, names, [[row.get(name) for name in names] for row in rows])
