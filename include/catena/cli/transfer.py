"""The command that brings a model version into another environment: models transfer."""

from __future__ import annotations

from typing import Annotated

import typer

from catena.cli.terminal import AsJson, console, print_json, usage_error


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(transfer)


def transfer(
    version: Annotated[str, typer.Argument(help="Version of this environment, as flight_delays/3.")],
    to: Annotated[str, typer.Option(help="Environment that receives it, as environments.toml declares it.")],
    as_json: AsJson = False,
) -> None:
    """Bring a version into another environment: the same file, its training set and its proof; nothing is trained.

    Its own gate decides there. Run it in the environment that has the version.

    [bold]Examples[/]

      catena models transfer flight_delays/3 --to staging

      CATENA_ENVIRONMENT=staging catena models transfer flight_delays/1 --to prod
    """
    from getpass import getuser
    from uuid import uuid4

    from catena.chain.deciding.transfer import TransferRefused, transfer_version
    from catena.chain.deploying.versions import UnknownVersion
    from catena.chain.training.replay import usecase_of
    from catena.declared import declared_usecase, declared_usecases
    from catena.environments import UnknownEnvironment
    from catena.platform.follow_up import follow_up
    from catena.registry.model_file import ModelTampered
    from catena.run import Run
    from catena.settings import settings, settings_of
    from catena.workspace import Workspace

    if (found := usecase_of(declared_usecases(), version)) is None:
        raise usage_error(f"no use case registers {version!r}; a version is named as <use case>/3")
    usecase = declared_usecase(found.name)
    run = Run(usecase.name, "models", f"manual__{uuid4()}")
    try:
        there = settings_of(to, settings())
        done = transfer_version(Workspace(), Workspace(there), usecase, version, run, actor=f"os:{getuser()}")
    except (TransferRefused, UnknownVersion, UnknownEnvironment, ModelTampered) as error:
        raise usage_error(str(error.args[0])) from error
    started: list[str] = []
    waiting: str | None = None
    if not done.decided:
        started, waiting = follow_up(there, usecase.name, months=[], decided=done.month)
    if as_json:
        print_json(done.as_dict() | {"runs": started, "waiting": waiting})
        return
    out = console()
    word = "arrived" if done.is_new else "was there already"
    out.print(f"{done.version} {word} in {done.target} as {done.arrived}, file {done.sha256[:12]}", highlight=False)
    if done.decided:
        command = f"catena models promote {usecase.name} {done.arrived}"
        out.print(f"{done.target} has decided what follows {done.month}; by hand it may serve all the same: {command}",
                  highlight=False, markup=False)  # fmt: skip
    else:
        out.print(waiting or f"started there: {', '.join(started)}", highlight=False, markup=False)
