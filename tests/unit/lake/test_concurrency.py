from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pytest

from catena.lake import Lake

WRITER = Path(__file__).with_name("writer.py")


def write_side_by_side(root: Path, writers: list[tuple[str, str, str, int]]) -> None:
    """Start the writers as processes, let them go at the same moment, and wait until all are done."""
    go = root.parent / "go"
    processes = []
    for name, first, last, rounds in writers:
        command = [sys.executable, WRITER, root, name, first, last, str(rounds), root.parent / f"{name}.ready", go]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    deadline = time.monotonic() + 60
    while not all((root.parent / f"{writer[0]}.ready").exists() for writer in writers):
        assert time.monotonic() < deadline, "the writers did not start"
        time.sleep(0.01)
    go.touch()
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


@pytest.fixture(scope="module")
def counts_table() -> object:
    import importlib.util

    spec = importlib.util.spec_from_file_location("lake_writer", WRITER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TABLE


def test_disjoint_days_do_not_disturb_each_other(tmp_path, counts_table):
    """Two processes that write other days of one new table at once: both find all their rows, once."""
    root = tmp_path / "lake"
    write_side_by_side(root, [("a", "2013-01-01", "2013-01-02", 8), ("b", "2013-01-03", "2013-01-04", 8)])
    rows = Lake(str(root), (counts_table,)).read("counts")
    found = {
        (row["partition"], row["writer"], row["round"], row["n_count"])
        for row in rows.group_by(["partition", "writer", "round"]).aggregate([("n", "count")]).to_pylist()
    }
    assert found == {
        ("2013-01-01", "a", 7, 50),
        ("2013-01-02", "a", 7, 50),
        ("2013-01-03", "b", 7, 50),
        ("2013-01-04", "b", 7, 50),
    }


def test_the_same_day_has_one_winner_and_no_mixture(tmp_path, counts_table):
    """Two processes that replace the same days: each commit is whole, the last one stands, no row is there twice."""
    root = tmp_path / "lake"
    write_side_by_side(root, [("a", "2013-01-01", "2013-01-02", 6), ("b", "2013-01-01", "2013-01-02", 6)])
    lake = Lake(str(root), (counts_table,))
    last = lake.history("counts")[0]
    rows = lake.read("counts")
    assert rows.num_rows == 2 * 50
    assert pc.unique(rows["round"]).to_pylist() == [5]
    writer = pc.unique(rows["writer"]).to_pylist()
    assert last["catena.run_id"] == f"{writer[0]}-5"
    assert len(writer) == 1
    # No update is lost: every round of both writers is a commit in the history.
    commits = {commit["catena.run_id"] for commit in lake.history("counts") if "catena.run_id" in commit}
    assert commits == {f"{name}-{number}" for name in "ab" for number in range(6)}
