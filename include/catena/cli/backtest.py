"""The command that lets policies live through past days: backtest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, error_console, print_json, print_rows, usage_error


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Work")(backtest)


def backtest(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    first: Annotated[str, typer.Option("--from", help="First day, as 2013-01-01.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="Last day, included.", show_default=False)],
    policy: Annotated[
        Path | None, typer.Option(help="TOML file of what is compared; default: backtest.toml of the use case.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the results; default: among the pages.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Do this policy or peer alone; may be given again. Results add up.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the policies' lakes and ledgers for a look.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare policies of retraining and promotion over past days, each in a lake and a ledger of its own.

    Days that this installation does not hold are made for it from the upstream system. Nothing of the installation
    changes but for one entry in its ledger and a page. Exit code 1 where results are still missing.

    [bold]Examples[/]

      catena backtest flight_delays --from 2013-01-01 --to 2013-12-31

      catena backtest flight_delays --from 2013-01-01 --to 2013-03-31 --only monthly --only never
    """
    from catena.backtest.compare import Asked, RangeRefused
    from catena.backtest.compare import backtest as compare
    from catena.backtest.plan import PlanRefused, plan_of
    from catena.backtest.tables import DaysMissing
    from catena.declared import declared_usecase
    from catena.reports.backtest import METRICS
    from catena.reports.words import worded
    from catena.workspace import Workspace

    declared = declared_usecase(usecase)
    try:
        asked = Asked(first, last, plan_of(declared, policy), out, tuple(only or ()), keep)
        with error_console().status("looking at the days") as spinner:
            found = compare(Workspace(), declared, asked, spinner.update)
    except (PlanRefused, RangeRefused, KeyError) as error:
        raise usage_error(str(error.args[0])) from error
    except DaysMissing as error:
        error_console().print(str(error), highlight=False, markup=False)
        raise typer.Exit(WORK_FAILED) from error
    if found.missing:
        error_console().print(found.headline, highlight=False, markup=False)
        raise typer.Exit(WORK_FAILED)
    if as_json:
        print_json(found.result)
        return
    metrics = METRICS[found.result["kind"]]
    columns = ("policy", *(f"{label}, {of}" for _, label, of in metrics), "trained", "promoted", "rolled back", "CPU s")
    rows = []
    for each in (*found.result["policies"], *found.result["peers"]):
        decided = list(each.get("decisions", {}).values())
        counts = (len(each["trainings"]), decided.count("PROMOTE"), len(each["rollbacks"]),
                  round(each["cpu"]["total_s"])) if "trainings" in each else (
                  len(found.result["months"]), None, None, round(each["cpu"]["fits_and_scores"]))  # fmt: skip
        rows.append((each["says"], *(worded(each["summary"][f"{name}_{of}"], "score") for name, _, of in metrics),
                     *counts))  # fmt: skip
    print_rows(f"{first} to {last}", columns, rows)
    console().print(f"{found.headline}\n{found.page}\n{found.picture}", highlight=False, markup=False)
