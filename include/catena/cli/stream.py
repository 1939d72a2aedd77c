"""Commands for streams: replay, drain, status, resume."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json, print_rows, usage_error
from catena.cli.work import From, To

if TYPE_CHECKING:
    from catena.chain.streaming.status import StreamStatus
    from catena.declaration import UseCase
    from catena.run import Run
    from catena.streams.replay import Faults, Progress
    from catena.workspace import Workspace

OfUseCase = Annotated[str, typer.Argument(help="Declared use case.")]

app = typer.Typer(help="Events of a broker.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Events of a broker."""


@app.command()
def replay(
    usecase: OfUseCase,
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


@app.command()
def drain(
    usecase: OfUseCase,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Again, until no record comes.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Records of one commit.")] = 10_000,
    most: Annotated[int | None, typer.Option(min=1, help="Records of a log partition in one drain.")] = None,
    from_time: Annotated[
        str | None,
        typer.Option(
            help="Where a log is read first that was never read before, as 2013-01-05T06:00; UTC if not told."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the clean tables up to what waits at the broker, in this process, as the DAG of streams does each minute.

    It may be killed at any time, and run beside the DAG: the next drain goes on where the tables stand.

    [bold]Examples[/]

      catena stream drain flight_delays --until-idle

      catena stream drain flight_delays --batch 1000 --most 5000 --json
    """
    from dataclasses import asdict

    from catena.chain.streaming.drain import drain as drain_all
    from catena.chain.streaming.landing import Limits

    declared = _with_streams(usecase)
    limits = Limits(batch, most, _instant(from_time))
    # On its own line, also where nobody watches: whoever started this knows from here on that it is at work.
    error_console().print(f"draining {usecase}", highlight=False)
    with _opened() as workspace:
        drained = drain_all(workspace, declared, _run(usecase), limits, until_idle=until_idle)
    if as_json:
        print_json({"usecase": usecase, "streams": [asdict(each) for each in drained]})
        return
    columns = ["stream", "records", "late", "dead", "commits", "days changed", "closed"]
    print_rows("Drained", columns, [
        [each.stream, each.records, each.late, each.dead, each.commits, _days(each.changed), _days(each.closed)]
        for each in drained
    ])  # fmt: skip


@app.command()
def status(usecase: OfUseCase, as_json: AsJson = False) -> None:
    """Show how far the tables are behind their logs, and how long events took to them of late.

    Exit code 1 where a record waits longer than the stream's declared limit, where nobody can say how long, and where
    the broker no longer holds what comes next: that is said below the table, with what to do.

    [bold]Example[/]

      catena stream status flight_delays --json
    """
    from dataclasses import asdict

    from catena.chain.streaming.status import stream_statuses

    declared = _with_streams(usecase)
    with _opened() as workspace:
        found = stream_statuses(workspace, declared)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        _print_statuses(found)
    if any(each.is_behind is not False for each in found):
        raise typer.Exit(WORK_FAILED)


@app.command()
def resume(
    usecase: OfUseCase,
    stream: Annotated[str, typer.Argument(help="Declared stream.")],
    accept_gap: Annotated[bool, typer.Option("--accept-gap", help="Go on without what the broker removed.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why that may be; kept in the ledger.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the records that the broker removed before they were read, and with --accept-gap go on without them.

    Load their time from the daily files; the decision goes to the ledger.

    [bold]Examples[/]

      catena stream resume flight_delays weather

      catena stream resume flight_delays weather --accept-gap --reason "away for two weeks; the files are loaded"
    """
    from dataclasses import asdict

    from catena.chain.streaming.gap import NoGap, accept_gaps, gaps_of

    declared = _with_streams(usecase)
    wanted = next((each for each in declared.streams if each.name == stream), None)
    if wanted is None:
        known = ", ".join(each.name for each in declared.streams)
        raise usage_error(f"{usecase} has no stream {stream!r}; there are: {known}")
    if accept_gap and not (reason or "").strip():
        raise usage_error("--accept-gap needs a --reason, which the ledger keeps")
    try:
        with _opened() as workspace:
            if accept_gap:
                gaps = accept_gaps(workspace, declared, wanted, _run(usecase), str(reason))
            else:
                gaps = gaps_of(workspace, declared, wanted)
    except NoGap as error:
        raise usage_error(str(error)) from error
    if as_json:
        print_json({"is_accepted": accept_gap, "gaps": [asdict(gap) for gap in gaps]})
        return
    out = console()
    for gap in gaps:
        out.print(
            f"{gap.log}, partition {gap.partition}: offsets {gap.from_offset} to {gap.to_offset - 1} are gone "
            f"({gap.count})",
            highlight=False,
        )
    if accept_gap:
        out.print("accepted; the next drain goes on from there", highlight=False)
    elif gaps:
        out.print(f'accept it by: catena stream resume {usecase} {stream} --accept-gap --reason "..."', highlight=False)
    else:
        out.print("no gap: the broker holds all that the table does not", highlight=False)


@contextmanager
def _opened() -> Iterator[Workspace]:
    from catena.workspace import Workspace

    workspace = Workspace()
    try:
        yield workspace
    finally:
        if "engine" in vars(workspace):
            workspace.engine.dispose()


def _run(usecase: str) -> Run:
    from uuid import uuid4

    from catena.run import Run

    return Run(usecase=usecase, link="stream", run_id=f"manual__{uuid4()}")


def _with_streams(usecase: str) -> UseCase:
    from catena.declared import declared_usecase

    declared = declared_usecase(usecase)
    if not declared.streams:
        raise usage_error(f"{usecase} declares no streams")
    return declared


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise usage_error(f"--from-time {text!r} is no time like 2013-01-05T06:00") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _days(days: Sequence[str]) -> str:
    """Return days as they fit into a cell."""
    return ", ".join(days) if len(days) <= 3 else f"{len(days)}: {days[0]} to {days[-1]}"


def _print_statuses(found: list[StreamStatus]) -> None:
    columns = ["stream", "partition", "next offset", "missing", "waiting", "oldest waits", "watermark"]
    print_rows("What waits", columns, [
        [lag.stream, lag.partition, lag.next_offset, lag.missing, lag.records, _seconds(lag.age_s) or "unknown",
         lag.watermark and f"{lag.watermark:%Y-%m-%d %H:%M}Z"]
        for each in found for lag in each.lags
    ])  # fmt: skip
    columns = ["stream", "records", "late", "dead", "p50", "p95", "limit", "is behind"]
    print_rows("What came, and how long the newest took from the broker to its table", columns, [
        [each.stream, each.records, each.late, each.dead, _seconds(each.p50_s), _seconds(each.p95_s),
         f"{each.lag_limit_minutes:g} min", {True: "yes", False: "no", None: "unknown"}[each.is_behind]]
        for each in found
    ])  # fmt: skip
    out = console()
    for lag in (lag for each in found for lag in each.lags):
        if lag.fault:
            out.print(lag.fault, highlight=False, markup=False, soft_wrap=True)
        elif lag.age_s is None:
            out.print(
                f"stream {lag.stream}, partition {lag.partition}: {lag.records} offsets wait, and the broker gave "
                "none: how long is unknown. Look at the broker's log; a drain waits longer for them.",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip


def _seconds(taken: float | None) -> str | None:
    return None if taken is None else f"{taken:.1f} s"


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
