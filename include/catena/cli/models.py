"""Commands on model versions."""

from __future__ import annotations

import typer

from catena.cli import replay

app = typer.Typer(help="Model versions: what they were built from.", no_args_is_help=True)
replay.register(app)
