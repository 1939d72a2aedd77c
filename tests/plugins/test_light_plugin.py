"""The plugin's weight, which each task process carries."""

from __future__ import annotations

import subprocess
import sys

LOAD = """
import sys
import airflow.sdk.execution_time.task_runner, airflow.plugins_manager
before = set(sys.modules)
import catena_airflow.views
heavy = ("fastapi", "starlette", "pandas", "pyarrow", "deltalake", "sqlalchemy", "airflow.api_fastapi")
print([name for name in sorted(set(sys.modules) - before) if name.startswith(heavy)])
"""


def test_plugin_brings_no_web_server_into_tasks() -> None:
    """What the plugin imports at its top costs every task: no web framework, no data library."""
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
