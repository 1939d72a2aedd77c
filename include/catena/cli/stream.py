"""Commands for streams: replay."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from catena.cli.terminal import AsJson, console, error_console, print_json, usage_error
from catena.cli.work import From, To

if TYPE_CHECKING:
    from catena.declaration import UseCase
    from catena.streams.replay import Faults, Progress

app = typer.Typer(help="Events of a broker.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Events of a broker."""


@app.command()
def replay(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    first: From,
    last: To,
    speed: Annotated[
        float, typer.Option(min=0, help="Seconds of history for each second; 0: as fast as the broker takes them.")
    ] = 3600,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Events overtake each other by up to an hour.")] = False,
    duplicate: Annotated[float, typer.Option(min=0, max=1, help="Share that is sent twice.")] = 0,
    late: Annotated[float, typer.Option(min=0, max=1, help="Share that comes 2 to 48 hours late.")] = 0,
    corrupt: Annotated[float, typer.Option(min=0, max=1, help="Share that a damaged copy precedes.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed chooses other events for the faults.")] = 2013,
    as_json: AsJson = False,
) -> None:
    """Publish the real history of a range of days as events, in the order in which they became known.

    [bold]Examples[/]

      catena stream replay flight_delays --from 2013-01-01 --to 2013-01-01

      catena stream replay flight_delays --from 2013-02-01 --to 2013-02-07 --speed 0 --shuffle --duplicate 0.05
    """
    from catena.declared import declared_usecase
    from catena.partitions import parse_day
    from catena.streams.replay import Faults, NoHistory

    declared = declared_usecase(usecase)
    if parse_day(first) > parse_day(last):
        raise typer.BadParameter(f"{first} is after {last}", param_hint="--from")
    faults = Faults(shuffle=shuffle, duplicate=duplicate, late=late, corrupt=corrupt, seed=seed)
    started = time.monotonic()
    try:
        progress = _follow(declared, (first, last), speed, faults)
    except NoHistory as error:
        raise usage_error(str(error)) from error
    seconds = time.monotonic() - started
    if as_json:
        print_json({
            "usecase": usecase, "first": first, "last": last, "seconds": round(seconds, 1), "sent": progress.sent,
            "events": progress.by_type, "known_already": progress.known_already,
        })  # fmt: skip
        return
    out = console()
    sent = sum(progress.sent.values())
    out.print(f"{usecase} {first} to {last}: {sent} messages in {seconds:.0f} s", highlight=False)
    for kind, count in sorted(progress.sent.items()):
        out.print(f"  {kind:<10}{count:>9}", highlight=False)
    if progress.known_already:
        out.print(f"  {progress.known_already} of them the broker knew already", highlight=False)


def _follow(usecase: UseCase, days: tuple[str, str], speed: float, faults: Faults) -> Progress:
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from catena.settings import settings
    from catena.streams.replay import replay_history

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bars(*columns, console=error_console()) as bars:
        task = bars.add_task("reading history", total=None)

        def watch(progress: Progress) -> None:
            sent = sum(progress.sent.values())
            bars.update(task, description=f"{progress.at:%Y-%m-%d %H:%M}Z  {sent} messages")

        return replay_history(settings(), usecase, days, speed=speed, faults=faults, watch=watch)
