"""The DAGs as Airflow reads them, once for all tests."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def airflow_view() -> dict[str, Any]:
    """What Airflow reads from the project's DAG folder, by its absolute path."""
    # As an installation does: in a fresh clone the first file would pay for compiling whatever it imports.
    for folder in ("include", "plugins", "dags"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    script = Path(__file__).with_name("describe_dags.py")
    done = subprocess.run([sys.executable, script, ROOT / "dags"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="session")
def dags(airflow_view: dict[str, Any]) -> dict[str, Any]:
    """The DAGs by id."""
    return dict(airflow_view["dags"])
