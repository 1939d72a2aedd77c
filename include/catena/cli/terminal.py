"""What the commands share of the terminal: exit codes, consoles, tables, JSON.

What a command shows belongs in its own module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

DONE, WORK_FAILED, USAGE, NOT_RUNNING = 0, 1, 2, 3

_WORD = 16
"""Longest word that a table never breaks, in characters."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def console() -> Console:
    """Return the console of standard output."""
    from rich.console import Console

    return Console(soft_wrap=True)


def error_console() -> Console:
    """Return the console of standard error: messages and progress, so that standard output stays for results."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as JSON; times in ISO 8601."""
    json.dump(value, sys.stdout, default=str, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def print_rows(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table; words stay whole where the terminal is narrow, paths and hashes may break."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    for place, column in enumerate(columns):
        words = " ".join([column, *(row[place] for row in cells)]).split()
        longest = max((len(word) for word in words), default=1)
        table.add_column(column, overflow="fold", min_width=min(longest, _WORD))
    for row in cells:
        table.add_row(*map(escape, row))
    console().print(table)


def usage_error(message: str) -> typer.BadParameter:
    """Return the error of a wrong argument, to be raised: exit code 2."""
    return typer.BadParameter(message)
