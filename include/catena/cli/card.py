"""The command that writes a model card: models card."""

from __future__ import annotations

from typing import Annotated

import typer

from catena.cli.terminal import WORK_FAILED, AsJson, console, print_json, usage_error


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(card)


def card(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    version: Annotated[str, typer.Argument(help="Version, as flight_delays/3 or 3.")],
    again: Annotated[
        bool, typer.Option("--again", help="Measure the proof again, and compare it with the one that is kept.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the model card of a version, and say where it is; the version is proved first where it was not yet.

    Exit code 1 where --again gives another proof than the one that is kept.

    [bold]Examples[/]

      catena models card flight_delays flight_delays/3

      catena models card flight_delays 3 --again
    """
    from uuid import uuid4

    from catena.chain.deploying.redeploy import FINAL_FAULTS
    from catena.chain.deploying.versions import version_of
    from catena.chain.proving.card import issue_card
    from catena.chain.proving.proof import differing_parts
    from catena.declared import declared_usecase
    from catena.lake import ArchiveDamaged
    from catena.platform.airflow import client_url
    from catena.run import Run
    from catena.workspace import Workspace

    workspace, declared = Workspace(), declared_usecase(usecase)
    run = Run(usecase=usecase, link="models", run_id=f"manual__{uuid4()}")
    try:
        issued = issue_card(workspace, declared, version, run)
        changed = differing_parts(workspace, declared, version_of(workspace, declared, version), run) if again else []
    except (*FINAL_FAULTS, ArchiveDamaged) as error:
        raise usage_error(str(error.args[0])) from error
    if as_json:
        print_json(issued.as_dict() | ({"differs_in": changed} if again else {}))
    else:
        out = console()
        out.print(issued.headline, highlight=False, markup=False)
        out.print(f"card: {issued.path}", highlight=False, markup=False, soft_wrap=True)
        page = issued.path.relative_to(workspace.settings.pages).as_posix()
        url = f"{client_url(workspace.settings, workspace.settings.api_port)}/catena/{page}"
        out.print(f"in Airflow, while it runs: {url}", highlight=False, markup=False, soft_wrap=True)
        out.print(f"proof: {issued.proof.place}", highlight=False, markup=False, soft_wrap=True)
        if again:
            said = f"differs in {', '.join(changed)}" if changed else "the same, byte for byte"
            out.print(f"proved again: {said}", highlight=False, markup=False)
    if changed:
        raise typer.Exit(WORK_FAILED)
