"""The command in the process of the tests, where its libraries are loaded once for all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from catena.cli import main
from catena.settings import settings as current_settings


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def catena(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """Return a function that runs the command for the installation of a home, with no other settings than are given."""
    engines: list[Engine] = []

    def remembered(*arguments: Any, **options: Any) -> Engine:
        engines.append(create_engine(*arguments, **options))
        return engines[-1]

    def run(home: Path, *arguments: str, **variables: str) -> Done:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("CATENA_")]:
                patch.delenv(name)
            for name, value in {"CATENA_HOME": str(home), "COLUMNS": "200", **variables}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["catena", *arguments])
            # A process that ends closes its connections.
            patch.setattr("catena.database.create_engine", remembered)
            current_settings.cache_clear()
            with pytest.raises(SystemExit) as ended:
                main()
        while engines:
            engines.pop().dispose()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    yield run
    current_settings.cache_clear()
