"""The command that builds a model version again and compares: models replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.chain.training.replay import Replayed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    version: Annotated[str, typer.Argument(help="Version, as flight_delays/3.")],
    as_json: AsJson = False,
) -> None:
    """Build a version again from its record; compare dataset, parameters and predictions on the holdout, bit for bit.

    The ledger keeps the outcome. Exit code 1 where something differs.

    [bold]Examples[/]

      catena models replay flight_delays/3

      catena models replay flight_delays-baseline/3 --json
    """
    from uuid import uuid4

    from catena.chain.training.replay import NotReplayable, UnknownVersion, enter_replay, replay_version, usecase_of
    from catena.declared import declared_usecases
    from catena.run import Run
    from catena.workspace import Workspace

    declared = declared_usecases()
    if (usecase := usecase_of(declared, version)) is None:
        names = ", ".join(each.name for each in declared)
        raise usage_error(
            f"no use case registers {version!r}; a version is named as <use case>/3, and there are: {names}"
        )
    workspace = Workspace()
    try:
        found = replay_version(workspace, usecase, version)
    except (UnknownVersion, NotReplayable) as error:
        raise usage_error(str(error)) from error
    enter_replay(workspace, usecase, found, Run(usecase=usecase.name, link="models", run_id=f"manual__{uuid4()}"))
    if as_json:
        print_json(found.as_dict())
    else:
        _print(found)
    if not found.is_equal:
        raise typer.Exit(WORK_FAILED)


def _print(found: Replayed) -> None:
    rows = [(check.what, check.recorded[:12], check.replayed[:12] or "none", check.verdict) for check in found.checks]
    print_rows(f"{found.version}, built again from {found.snapshot}", ("what", "recorded", "replayed", "verdict"), rows)
    out = console()
    release = "same release" if found.is_same_release else "different release"
    out.print(f"code: {found.recorded_code} recorded, {found.code} installed: {release}", highlight=False, markup=False)
    for line in found.environment or ("as recorded",):
        out.print(f"environment: {line}", highlight=False, markup=False)
    for check in found.checks:
        for line in check.differences:
            out.print(f"{check.what}: {line}", highlight=False, markup=False)
