"""Commands for rows that a contract refused: list, show, release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli.terminal import AsJson, console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.declaration import UseCase

app = typer.Typer(help="Rows that a contract refused.", no_args_is_help=True)

OfUseCase = Annotated[str, typer.Argument(help="Declared use case.")]
OfDataset = Annotated[str, typer.Argument(help="Dataset of the rows.")]
OfDay = Annotated[str, typer.Argument(help="Day of the rows, as 2013-02-12; `whole` for reference data.")]


@app.command("list")
def list_rows(
    usecase: OfUseCase,
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    partition: Annotated[str | None, typer.Option(help="Only this day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Count the rows in quarantine by dataset, day and rule.

    [bold]Example[/]

      catena quarantine list flight_delays --partition 2013-02-12
    """
    from catena.chain.ingesting.quarantine import listed
    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    counted = listed(Workspace(), declared_usecase(usecase), dataset)
    _show("Quarantine", [row for row in counted if partition in {None, row["partition"]}], as_json)


@app.command()
def show(
    usecase: OfUseCase,
    dataset: OfDataset,
    partition: OfDay,
    limit: Annotated[int, typer.Option(min=1, help="Number of rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show rows in quarantine as they came, with rule and reason.

    [bold]Example[/]

      catena quarantine show flight_delays weather 2013-02-12 --json
    """
    from catena.chain.ingesting.quarantine import shown
    from catena.workspace import Workspace

    rows = shown(Workspace(), _declared(usecase, dataset), dataset, partition)
    _show(f"{min(limit, len(rows))} of {len(rows)} rows", rows[:limit], as_json)


@app.command()
def release(
    usecase: OfUseCase,
    dataset: OfDataset,
    partition: OfDay,
    row_ids: Annotated[list[str], typer.Argument(help="Ids of the rows, as `quarantine show` tells them.")],
    reason: Annotated[str, typer.Option(help="Why they are good after all; kept in the ledger.")],
    as_json: AsJson = False,
) -> None:
    """Let rows pass when their day is ingested the next time; the release goes to the ledger.

    [bold]Example[/]

      catena quarantine release flight_delays weather 2013-02-12 1a2b3c4d5e6f-17 --reason "confirmed by the station"
    """
    from uuid import uuid4

    from catena.chain.ingesting.quarantine import NotReleasable
    from catena.chain.ingesting.quarantine import release as release_rows
    from catena.run import Run
    from catena.workspace import Workspace

    declared = _declared(usecase, dataset)
    run = Run(usecase=usecase, link="quarantine", run_id=f"manual__{uuid4()}")
    try:
        is_new = release_rows(Workspace(), declared, dataset, partition, row_ids, reason=reason, run=run)
    except NotReleasable as error:
        raise usage_error(str(error)) from error
    if as_json:
        print_json({"is_new": is_new, "dataset": dataset, "partition": partition, "row_ids": row_ids})
        return
    console().print("released" if is_new else "was released already")
    if declared.dataset(dataset).is_partitioned:
        console().print(f"publish it by: catena backfill {usecase} --from {partition} --to {partition}")


def _declared(usecase: str, dataset: str) -> UseCase:
    from catena.declared import declared_usecase

    declared = declared_usecase(usecase)
    if dataset not in (names := [known.name for known in declared.datasets]):
        raise usage_error(f"{usecase} has no dataset {dataset!r}; there are: {', '.join(names)}")
    return declared


def _show(title: str, rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    columns = list(rows[0]) if rows else ["nothing"]
    print_rows(title, columns, [list(row.values()) for row in rows])
