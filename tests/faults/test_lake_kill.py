from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pytest

from catena.lake import Lake
from catena.run import Run

WRITER = Path(__file__).parents[1] / "unit" / "lake" / "writer.py"
FIRST, LAST = "2013-01-01", "2013-01-03"

pytestmark = pytest.mark.faults


def writer_module() -> object:
    spec = importlib.util.spec_from_file_location("lake_writer", WRITER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_kill_during_a_commit_leaves_the_old_or_the_new_content(tmp_path):
    """A writer killed by SIGKILL at any moment leaves whole commits only, and the next writer goes on from there."""
    module, root = writer_module(), tmp_path / "lake"
    lake = Lake(str(root), (module.TABLE,))
    acknowledged, finished = -1, 0
    for turn in range(6):
        command = [sys.executable, WRITER, root, f"w{turn}", FIRST, LAST, "100000"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline().startswith("committed")
        time.sleep(0.013 * turn)
        process.send_signal(signal.SIGKILL)
        said = [f"committed w{turn} 0", *process.stdout.read().splitlines()]
        process.wait()
        process.stdout.close()
        # The last line may be cut short by the kill.
        acknowledged = max(int(line.split()[2]) for line in said if len(line.split()) == 3)
        rows = lake.read("counts")
        assert rows.num_rows == 3 * module.ROWS
        assert pc.unique(rows["writer"]).to_pylist() == [f"w{turn}"]
        rounds = pc.unique(rows["round"]).to_pylist()
        assert len(rounds) == 1
        assert rounds[0] in (acknowledged, acknowledged + 1)
        finished += 1
    keys = ["2013-01-01", "2013-01-02", "2013-01-03"]
    lake.overwrite("counts", module.content(keys, "after", 0), run=Run("u", "ingest", "after"), partitions=keys)
    assert pc.unique(lake.read("counts")["writer"]).to_pylist() == ["after"]
    assert finished == 6
