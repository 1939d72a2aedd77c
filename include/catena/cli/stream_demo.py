"""What `catena demo --stream` prints; what it does belongs in `catena.platform.stream_demonstration`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from catena.cli.terminal import WORK_FAILED, console, error_console, print_rows, usage_error

if TYPE_CHECKING:
    from catena.declaration import UseCase
    from catena.platform.stream_demonstration import Shown


def show_streams(usecase: UseCase, first: str, last: str, speed: float) -> None:
    """Run the demonstration of streams and print what it came to; exit code 1 where the tables differ."""
    from catena.partitions import parse_day
    from catena.platform.stream_demonstration import demonstrate
    from catena.settings import settings

    if usecase.history is None or not usecase.streams:
        raise usage_error(f"{usecase.name} declares no streams with a history that could be replayed")
    if parse_day(first) > parse_day(last):
        raise typer.BadParameter(f"{first} is after {last}", param_hint="--from")
    begun = time.monotonic()
    with error_console().status("starting") as spinner:
        shown = demonstrate(settings(), usecase, first, last, speed=speed, announce=spinner.update)
    _print(usecase, (first, last), shown, time.monotonic() - begun)
    if not shown.is_equal:
        raise typer.Exit(WORK_FAILED)


def _print(usecase: UseCase, days: tuple[str, str], shown: Shown, seconds: float) -> None:
    out = console()
    said = f"{sum(shown.sent.values())} messages: " + ", ".join(
        f"{count} {kind}" for kind, count in sorted(shown.sent.items())
    )
    out.print(f"{usecase.name} {days[0]} to {days[1]} as events: {seconds:.0f} s", highlight=False)
    out.print(f"  sent          {said}", highlight=False)
    out.print(f"  drains        {shown.kills} killed by SIGKILL, {shown.drains} came to their end", highlight=False)
    print_rows(
        "Streams",
        ["stream", "at broker", "landed", "events", "duplicates", "late", "dead", "each once"],
        [
            [each.stream, each.at_broker, each.landed, each.events, each.duplicates, each.late, each.dead,
             _yes(each.is_whole)]
            for each in shown.streams
        ],
    )  # fmt: skip
    alone = {table.table: table for table in shown.by_events}
    print_rows(
        "Tables, beside a lake that was loaded from the files alone",
        ["table", "rows", "rows of files alone", "equal", "rows of events alone", "events and files, by day"],
        [
            [each.table, each.rows, each.rows_of_other, _yes(each.is_equal), alone[each.table].rows,
             ", ".join(sorted(set(shown.reconciled.get(each.table, {}).values())))]
            for each in shown.tables
        ],
    )  # fmt: skip
    if shown.is_equal:
        out.print("[bold green]The tables equal the batch load.[/] Nothing was lost, nothing doubled.", highlight=False)
    else:
        out.print("[bold red]The tables differ from the batch load.[/]", highlight=False)
    out.print(
        f"The lake lies in {shown.home}; its servers are stopped, and the installation was not touched.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "NO"
