"""The commands that the README shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from click import Command, Context, Group

from catena.cli.app import app

README = Path(__file__).resolve().parents[3] / "README.md"
SHOWN = re.findall(r"^catena (.+?)(?:\s+#.*)?$", README.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_readme_shows_commands() -> None:
    """The pattern finds them, or the test below would pass on nothing."""
    assert len(SHOWN) > 25


@pytest.mark.parametrize("shown", SHOWN)
def test_shown_command_is_understood(shown: str) -> None:
    """Names, options and values of each command that people will copy are those that the program takes."""
    command: Command = typer.main.get_command(app)
    arguments, context = shlex.split(shown), Context(command)
    while isinstance(command, Group):
        found = command.get_command(context, arguments[0])
        assert found is not None, arguments[0]
        command, arguments = found, arguments[1:]
    # Parses, and runs nothing.
    command.make_context(shown, arguments)
