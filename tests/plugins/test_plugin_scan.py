"""What Airflow's plugin scan does to a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
SCAN = """
import json, sys
import catena_airflow.operators.link as link
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
found = [plugin.name for plugin in plugins]
import sklearn, mlflow, types
import catena_airflow.operators.link as again
print(json.dumps({
    "plugins": found,
    "errors": errors,
    "stems": [name for name in ("link", "assets", "tags", "schedules", "pages", "faults") if name in sys.modules],
    "same_class": again.LinkOperator is link.LinkOperator,
    "files": {module.__name__: module.__file__ for module in (sklearn, mlflow, types)},
}))
"""


def test_scan_loads_the_plugin_and_shadows_nothing(tmp_path: Path) -> None:
    """The scan finds the plugin, runs no module of `catena_airflow` twice, and `import sklearn` still means it."""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS)}
    done = subprocess.run([sys.executable, "-c", SCAN], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert "catena" in seen["plugins"]
    assert seen["errors"] == {}
    assert seen["stems"] == []
    assert seen["same_class"]
    assert not any(str(PLUGINS) in file for file in seen["files"].values())
    assert seen["files"]["sklearn"].endswith("site-packages/sklearn/__init__.py")
