"""Puts the command groups together and turns errors into messages and exit codes.

Nothing heavy is imported before a command runs: `catena --help` answers at once.
"""

from __future__ import annotations

import sys

import typer

from catena.cli import (
    approvals,
    backtest,
    cost,
    dataset,
    env,
    explore,
    features,
    look,
    maintain,
    models,
    operate,
    quarantine,
    releases,
    score_card,
    search,
    stream,
    work,
)
from catena.cli.terminal import NOT_RUNNING, USAGE, WORK_FAILED, error_console

EPILOG = "Exit codes: 0 done, 1 work failed, 2 wrong usage, 3 not running."

app = typer.Typer(
    name="catena",
    help="The whole MLOps chain on Apache Airflow: from landing file to management report.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
operate.register(app)
work.register(app)
maintain.register(app)
look.register(app)
explore.register(app)
cost.register(app)
search.register(app)
backtest.register(app)
score_card.register(app)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(stream.app, name="stream")
app.add_typer(dataset.app, name="dataset")
app.add_typer(features.app, name="features")
app.add_typer(models.app, name="models")
app.add_typer(approvals.app, name="approvals")
app.add_typer(env.app, name="env")
app.add_typer(releases.app, name="releases")


def main() -> None:
    """Run the command line; expected errors become one message and an exit code."""
    try:
        app()
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        error_console().print(f"[bold red]Error:[/] {_plain(error)}", highlight=False)
        sys.exit(code)


def exit_code(error: Exception) -> int | None:
    """Return the exit code of an error that a user can act on; None for a defect of ours, which keeps its traceback."""
    from sqlalchemy.exc import OperationalError

    from catena.database import DatabaseNotReady
    from catena.declared import UnknownUseCase
    from catena.environments import UnknownEnvironment
    from catena.partitions import InvalidPartition
    from catena.platform.errors import NotRunning, PlatformError
    from catena.streams.errors import BrokerNotReady, BrokerUnreachable, RegistryUnreachable, StreamError

    not_running = (
        NotRunning,
        DatabaseNotReady,
        OperationalError,
        BrokerNotReady,
        BrokerUnreachable,
        RegistryUnreachable,
    )
    if isinstance(error, not_running):
        return NOT_RUNNING
    if isinstance(error, PlatformError | StreamError):
        return WORK_FAILED
    if isinstance(error, UnknownUseCase | UnknownEnvironment | InvalidPartition):
        return USAGE
    # Last, since it loads the lake's libraries.
    from catena.lake import ArchiveDamaged, CommitConflict

    return WORK_FAILED if isinstance(error, CommitConflict | ArchiveDamaged) else None


def _plain(error: Exception) -> str:
    from rich.markup import escape
    from sqlalchemy.exc import OperationalError

    if isinstance(error, OperationalError):
        return escape(f"the database does not answer; `catena up` starts it. {str(error.orig).strip()}")
    # A KeyError shows its message as a literal.
    return escape(str(error.args[0] if isinstance(error, KeyError) else error))
