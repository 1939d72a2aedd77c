"""What MLflow tells its makers from a process of ours."""

from __future__ import annotations

import os
import subprocess
import sys

TOLD = "import catena.registry.store; from mlflow.telemetry import get_telemetry_client as told; print(told())"


def test_a_command_reports_nothing() -> None:
    """Whoever opens the registry reports nothing, also where no server prepared the environment."""
    # MLflow keeps quiet where it recognises a test runner or CI: with their variables this would pass on nothing.
    bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "PYTHONPATH", "LANG"}}
    done = subprocess.run(
        [sys.executable, "-c", TOLD], env=bare, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "None"
