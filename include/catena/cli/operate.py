"""Commands that run the installation: up, down, status, airflow."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from catena.cli.terminal import NOT_RUNNING, AsJson, console, error_console, print_json, print_rows


def register(app: typer.Typer) -> None:
    """Add the commands."""
    panel = {"rich_help_panel": "The installation"}
    app.command(**panel)(up)  # type: ignore[arg-type]
    app.command(**panel)(down)  # type: ignore[arg-type]
    app.command(**panel)(status)  # type: ignore[arg-type]
    app.command(
        **panel,  # type: ignore[arg-type]
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )(airflow)


def up() -> None:
    """Start PostgreSQL, NATS, MLflow and Airflow, wait until they are healthy, print URL and login.

    What runs already stays as it is.

    [bold]Examples[/]

      catena up

      CATENA_HOME=/srv/catena-2 CATENA_API_PORT=8180 CATENA_MLFLOW_PORT=5100 CATENA_POSTGRES_PORT=5533
      CATENA_NATS_PORT=4322 catena up
    """
    from catena.platform import installation
    from catena.settings import settings

    with error_console().status("starting") as spinner:
        installation.up(settings(), spinner.update)
    print_access()


def down() -> None:
    """Stop everything that `catena up` started; data stays.

    [bold]Example[/]

      catena down
    """
    from catena.platform import installation
    from catena.settings import settings

    with error_console().status("stopping") as spinner:
        stopped = installation.down(settings(), spinner.update)
    console().print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def status(as_json: AsJson = False) -> None:
    """Show what runs and whether it is healthy; exit code 3 where anything is not.

    [bold]Examples[/]

      catena status

      catena status --json | jq '.[] | select(.is_healthy | not)'
    """
    from catena.platform import installation
    from catena.settings import settings

    parts = installation.status(settings())
    if as_json:
        print_json([asdict(part) for part in parts])
    else:
        rows = [
            (
                p.name,
                "healthy" if p.is_healthy else "not healthy" if p.is_running else "not running",
                p.pid,
                p.url,
                Path(p.log).name,
            )
            for p in parts
        ]
        print_rows(f"Catena in {settings().home}, logs in logs/", ("component", "state", "pid", "url", "log"), rows)
    if not all(part.is_healthy for part in parts):
        raise typer.Exit(NOT_RUNNING)


def airflow(context: typer.Context) -> None:
    """Run one of Airflow's own commands in the environment of this installation.

    [bold]Examples[/]

      catena airflow dags list

      catena airflow tasks states-for-dag-run flight_delays.ingest RUN_ID
    """
    from catena.declared import declared_usecases
    from catena.platform.airflow import environment, prepare
    from catena.settings import settings

    prepare(settings())
    variables = environment(settings(), declared_usecases())
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "airflow", *context.args], variables)  # noqa: S606 - no shell wanted


def print_access() -> None:
    """Print where the user interfaces are and how to log in."""
    from catena.platform.airflow import ADMIN, client_url, login_file
    from catena.platform.secrets import password
    from catena.settings import settings

    current = settings()
    out = console()
    out.print(f"[bold]Airflow[/]  {client_url(current, current.api_port)}", highlight=False)
    out.print(f"  login    {ADMIN} / {password(current, 'admin_password')}", highlight=False)
    out.print(f"           (kept in {login_file(current)})", highlight=False)
    out.print(f"[bold]MLflow[/]   {current.mlflow_uri}", highlight=False)
