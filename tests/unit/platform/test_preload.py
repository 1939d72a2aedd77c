"""Warm workers: what is imported before the fork must work after it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Children use what was imported, two side by side as tasks do, and must end: a lock held at the fork would hang them.
FORKED = """
import os, sys, threading
os.environ["CATENA_PRELOAD"] = "1"
from catena.platform.preload import warm_workers
warm_workers()
tasks = [f"/proc/self/task/{task}" for task in os.listdir("/proc/self/task") if int(task) != os.getpid()]
# jemalloc's own threads only give memory back, and its fork handlers renew them in the child.
threads = [name for task in tasks if (name := open(task + "/comm").read().strip()) != "jemalloc_bg_thd"]

def work(folder):
    import deltalake, duckdb, mlflow, numpy, pyarrow as pa, great_expectations
    from sklearn.ensemble import HistGradientBoostingClassifier
    x = numpy.random.default_rng(1).normal(size=(2000, 4))
    y = x[:, 0] + x[:, 1] > 0
    model = HistGradientBoostingClassifier(max_iter=5).fit(x, y)
    assert model.score(x, y) > 0.8
    rows = pa.table({"a": list(range(1000)), "partition": ["2013-01-01"] * 1000})
    deltalake.write_deltalake(folder + "/table", rows, partition_by=["partition"])
    read = deltalake.DeltaTable(folder + "/table").to_pyarrow_table()
    assert duckdb.connect().execute("SELECT sum(a) FROM read").fetchone() == (499500,)
    mlflow.set_tracking_uri("sqlite:///" + folder + "/runs.db")
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.7)
    suite = great_expectations.get_context(mode="ephemeral")
    assert suite is not None

children = []
for number in range(2):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            folder = sys.argv[1] + f"/{number}"
            os.mkdir(folder)
            os.chdir(folder)
            work(folder)
            status = 0
        finally:
            os._exit(status)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print(len(threads), *codes)
"""


def test_forked_children_can_work_with_what_was_imported(tmp_path: Path) -> None:
    """The preload leaves no thread that could hold a lock; forked children fit, read, write, query and track."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path)], capture_output=True, text=True, timeout=240, check=False,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true",
             "DO_NOT_TRACK": "true", "HOME": str(tmp_path), "AIRFLOW_HOME": f"{tmp_path}/airflow", "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    # Airflow, which reads its configuration when it is first imported, may write lines of its own before the last one.
    assert done.stdout.splitlines()[-1].split() == ["0", "0", "0"], done.stderr[-3000:]


def test_only_the_scheduler_pays(tmp_path: Path) -> None:
    """Without the switch nothing heavy is imported."""
    code = (
        "import sys; from catena.platform.preload import warm_workers; warm_workers();"
        "print([n for n in ('pandas', 'mlflow', 'sklearn', 'duckdb', 'great_expectations') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env={})
    assert done.stdout.strip() == "[]"
