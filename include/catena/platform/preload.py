"""Imports what tasks need once, in the scheduler, so that its forked workers and tasks find it loaded.

A thread that runs at the fork does not exist in the child, and a lock that it held stays locked for ever: what is
loaded and called here must start no thread, which `tests/unit/platform/test_preload.py` watches.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import logging
import os

LIBRARIES = (
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "duckdb",
    "deltalake",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.metrics",
    "sklearn.calibration",
    "skops.io",
    "great_expectations",
    "mlflow",
    "mlflow.sklearn",
    "mlflow.tracking",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "psycopg",
    "catena.workspace",
    "catena.chain.ingesting.ingest",
    "catena.chain.featuring.features",
    "optuna",
    "catena.chain.training.search",
    "catena.chain.training.train",
    "catena.chain.deciding.promote",
    "catena.chain.scoring.score",
    "catena.chain.watching.monitor",
    "catena.chain.watching.report",
    "catena.chain.exploring.explore",
    # A stream's task runs each minute: the broker's client would cost each a fifth of a second.
    "catena.chain.streaming.stream",
    "catena.chain.streaming.reconcile",
    "catena.chain.upkeep",
    "catena.streams.jetstream",
    # What a task imports when it reads its DAG file.
    "airflow.providers.standard.operators.empty",
    "catena_airflow.link_dag",
    "catena_airflow.operators.announce_partition",
    "catena_airflow.operators.approve_promotion",
    "catena_airflow.operators.build_features",
    "catena_airflow.operators.conclude_promotion",
    "catena_airflow.operators.conclude_search",
    "catena_airflow.operators.drain_streams",
    "catena_airflow.operators.explore_tables",
    "catena_airflow.operators.ingest_partition",
    "catena_airflow.operators.issue_report",
    "catena_airflow.operators.judge_candidate",
    "catena_airflow.operators.maintain_tables",
    "catena_airflow.operators.monitor_partition",
    "catena_airflow.operators.plan_search",
    "catena_airflow.operators.raise_alarms",
    "catena_airflow.operators.reconcile_days",
    "catena_airflow.operators.refresh_references",
    "catena_airflow.operators.score_partition",
    "catena_airflow.operators.search_family",
    "catena_airflow.operators.train_candidate",
    "catena_airflow.schedules",
)
# Called once: they fill tables and compile templates that each task would otherwise make for itself.
CALLS = (
    ("catena_airflow.assets", "find_uri_handlers"),
    ("catena.declared", "declared_usecases"),
    ("catena.quality.expectations", "warm_up"),
    ("catena.reports.verdict", "template"),
    ("catena.run", "code_version"),
)
# Read when it is set by `catena.platform.processes`, for the scheduler alone.
SWITCH = "CATENA_PRELOAD"


def warm_workers() -> None:
    """Import the libraries where this process is the scheduler of an installation with warm workers."""
    if os.environ.get(SWITCH) != "1":
        return
    for name in LIBRARIES:
        importlib.import_module(name)
    for module, function in CALLS:
        getattr(importlib.import_module(module), function)()
    # A child's collector would walk all these objects again and again, and copy the pages they lie on.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
    logging.getLogger(__name__).info("warm workers: %d libraries are loaded", len(LIBRARIES))
