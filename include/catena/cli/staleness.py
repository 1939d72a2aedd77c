"""The command that tells how models age: models staleness."""

from __future__ import annotations

from typing import Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json, print_rows


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(staleness)


def staleness(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    month: Annotated[
        str | None, typer.Option(help="Last month to measure; default: the last that is there as a whole.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what is lost as models age, on every day after their training, and write the page.

    Months that were measured stay as they were. Exit code 1 where nothing could be measured yet.

    [bold]Example[/]

      catena models staleness flight_delays
    """
    from uuid import uuid4

    from catena.chain.proving.staleness import last_staleness, measure_staleness, staleness_path
    from catena.chain.training.training_data import TrainingTables
    from catena.declared import declared_usecase
    from catena.partitions import month_of, parse_month
    from catena.run import Run
    from catena.workspace import Workspace

    workspace, declared = Workspace(), declared_usecase(usecase)
    newest = TrainingTables(workspace.lake(declared), workspace.ledger, declared).newest_day()
    if month is not None:
        parse_month(month)
    elif newest is not None:
        month = month_of(newest)
    else:
        error_console().print(f"{usecase} has no features yet: `catena backfill` makes them", highlight=False)
        raise typer.Exit(WORK_FAILED)
    run = Run(usecase=usecase, link="models", run_id=f"manual__{uuid4()}")
    outcome = measure_staleness(workspace, declared, month, run)
    entry = last_staleness(workspace.ledger, declared)
    if entry is None:
        error_console().print(outcome.reason, highlight=False, markup=False)
        raise typer.Exit(WORK_FAILED)
    path = str(staleness_path(workspace, declared))
    if as_json:
        print_json({**{name: entry.payload[name] for name in ("headline", "metric", "curve")}, "month": entry.partition,
                    "path": path})  # fmt: skip
        return
    rows = [
        (item["week"], item["versions"], item["days"], _said(item["loss"]), _said(item["metric"]))
        for item in entry.payload["curve"]
    ]
    columns = ("week", "versions", "days", "loss to the newest", entry.payload["metric"])
    print_rows(f"Age of the models of {usecase}, up to {entry.partition}", columns, rows)
    console().print(f"{entry.payload['headline']}\n{path}", highlight=False, markup=False)


def _said(interval: dict[str, float | None]) -> str:
    bounds = "" if interval["low"] is None else f" ({interval['low']:.3f} to {interval['high']:.3f})"
    return f"{interval['estimate']:.3f}{bounds}"
