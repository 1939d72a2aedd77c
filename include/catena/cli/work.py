"""Commands that carry data through the chain: demo, backfill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from catena.cli.operate import print_access
from catena.cli.stream_demo import show_streams
from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json

if TYPE_CHECKING:
    from catena.declaration import UseCase
    from catena.platform.api import AirflowApi, Reprocess
    from catena.platform.cascade import Cascade, Failure, LinkProgress

From = Annotated[str, typer.Option("--from", help="First day, as 2013-01-01.", show_default=False)]
To = Annotated[str, typer.Option("--to", help="Last day, included.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel="Work")(demo)
    app.command(rich_help_panel="Work")(backfill)


def demo(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")] = "flight_delays",
    first: Annotated[str | None, typer.Option("--from", help="First day; default: the first there is.")] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", help="Last day; default: the end of the third month, of streams the first day."),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Show streams instead: faults, kills, and the same tables in the end.")
    ] = False,
    speed: Annotated[float, typer.Option(min=0, help="Of streams: seconds of history for each second.")] = 3600,
) -> None:
    """Start everything, play the upstream system, and carry three months through the whole chain.

    With --stream, a day flows through a broker as events, with copies, late and damaged ones, while the process that
    drains them is killed again and again; then the tables are compared with a load of the files alone. It has servers
    and lakes of its own, and ends with exit code 1 where the tables differ.

    [bold]Examples[/]

      catena demo

      catena demo --from 2013-01-01 --to 2013-02-28

      catena demo --stream
    """
    from catena.declared import declared_usecase
    from catena.partitions import days_of_month, month_of, parse_day, shift_month
    from catena.platform import demonstration, installation
    from catena.platform.api import AirflowApi
    from catena.settings import settings

    declared = declared_usecase(usecase)
    first = first or declared.calendar.first
    if stream:
        show_streams(declared, first, last or first, speed)
        return
    last = last or days_of_month(shift_month(month_of(first), 2))[-1]
    parse_day(first), parse_day(last)
    with error_console().status("starting") as spinner:
        installation.up(settings(), spinner.update)
        spinner.update("the upstream system delivers its files and tables")
        demonstration.deliver(settings(), declared, first, last)
        with AirflowApi(settings()) as api:
            spinner.update("Airflow reads the DAGs")
            demonstration.unpause(api, declared)
            spinner.update("reference data")
            demonstration.land_references(settings(), api, declared)
    with AirflowApi(settings()) as api:
        failed = _backfill(api, declared, first, last, "completed")
    _print_reports(declared)
    print_access()
    if failed:
        raise typer.Exit(WORK_FAILED)


def backfill(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    first: From,
    last: To,
    reprocess: Annotated[
        str, typer.Option(help="Days that already ran: none, failed (again), completed (all again).")
    ] = "completed",
    as_json: AsJson = False,
) -> None:
    """Run the days of a range through the whole chain, as it would have run then, and follow it to the end.

    Exit code 1 where a task failed; its error and its log are printed.

    [bold]Examples[/]

      catena backfill flight_delays --from 2013-01-01 --to 2013-12-31

      catena backfill flight_delays --from 2013-02-12 --to 2013-02-12 --json
    """
    from catena.declared import declared_usecase
    from catena.partitions import parse_day
    from catena.platform import demonstration
    from catena.platform.api import AirflowApi
    from catena.settings import settings

    declared = declared_usecase(usecase)
    if reprocess not in {"none", "failed", "completed"}:
        raise typer.BadParameter("must be none, failed or completed", param_hint="--reprocess")
    if parse_day(first) > parse_day(last):
        raise typer.BadParameter(f"{first} is after {last}", param_hint="--from")
    with AirflowApi(settings()) as api:
        demonstration.unpause(api, declared)
        failed = _backfill(api, declared, first, last, reprocess, as_json=as_json)  # type: ignore[arg-type]
    if failed:
        raise typer.Exit(WORK_FAILED)


def _backfill(
    api: AirflowApi, usecase: UseCase, first: str, last: str, reprocess: Reprocess, *, as_json: bool = False
) -> list[Failure]:
    from dataclasses import asdict

    from catena.platform.cascade import Cascade
    from catena.settings import settings

    begun = datetime.now(UTC)
    cascade = Cascade(settings(), api, usecase.name, begun_at=begun)
    api.backfill(f"{usecase.name}.ingest", first, last, reprocess=reprocess)
    progress = _follow(cascade)
    failures = cascade.failures()
    seconds = (datetime.now(UTC) - begun).total_seconds()
    if as_json:
        print_json({
            "usecase": usecase.name, "first": first, "last": last, "seconds": round(seconds, 1),
            "links": [asdict(link) for link in progress], "failures": [asdict(failure) for failure in failures],
        })  # fmt: skip
    else:
        console().print(f"{usecase.name} {first} to {last}: {seconds:.0f} s", highlight=False)
        _print_failures(failures)
    return failures


def _follow(cascade: Cascade) -> list[LinkProgress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[note]}"))  # fmt: skip
    with Progress(*columns, console=error_console()) as bars:
        tasks = {link.link: bars.add_task(link.link, total=None, note="") for link in cascade.progress()}

        def watch(progress: list[LinkProgress]) -> None:
            for link in progress:
                done = link.succeeded + link.failed
                note = f"[red]{link.failed} failed" if link.failed else ""
                bars.update(tasks[link.link], completed=done, total=(done + link.active) or None, note=note)

        return cascade.follow(watch)


def _print_failures(failures: list[Failure]) -> None:
    from rich.markup import escape

    errors = error_console()
    for failure in failures:
        errors.print(f"[bold red]failed[/] {failure.dag_id} {failure.partition} {failure.task_id}", highlight=False)
        errors.print(f"  {escape(failure.error)}", highlight=False)
        errors.print(f"  log: {failure.log}", highlight=False)


def _print_reports(usecase: UseCase) -> None:
    from catena.workspace import Workspace

    workspace = Workspace()
    pages = workspace.settings.pages.resolve()
    out = console()
    # A month may be issued anew; its last entry is the one that stands.
    entries = workspace.ledger.entries(usecase.name, kind="report", subject="monthly")
    issued = {entry.partition: entry.payload for entry in entries}
    for month, payload in sorted(issued.items()):
        out.print(f"[bold]Report {month}[/]  {payload['headline']}", highlight=False, soft_wrap=True)
        out.print(f"  {pages / payload['path']}", highlight=False, soft_wrap=True)
    if issued:
        out.print(f"[bold]All reports[/]     {pages / 'index.html'}", highlight=False, soft_wrap=True)
