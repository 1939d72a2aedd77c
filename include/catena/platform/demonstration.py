"""What a use case needs before a backfill: upstream's deliveries, unpaused DAGs, reference data.

Following the backfill belongs in `catena.platform.cascade`.
"""

from __future__ import annotations

import importlib
import time
from datetime import UTC, datetime

from catena.database import database_url
from catena.declaration import UseCase
from catena.platform.api import AirflowApi
from catena.platform.cascade import LINKS, REFERENCE, Cascade
from catena.platform.errors import PlatformError
from catena.settings import Settings


def deliver(settings: Settings, usecase: UseCase, first: str, last: str) -> None:
    """Let the use case's exporter play the upstream system for these days."""
    module, _, function = usecase.exporter.partition(":")
    export = getattr(importlib.import_module(module), function)
    export(settings.landing_root, database_url(settings, "upstream"), first, last)


def unpause(api: AirflowApi, usecase: UseCase, *, timeout_seconds: float = 90.0) -> None:
    """Let all DAGs of a use case run, as soon as Airflow has read them.

    Raises:
        PlatformError: Airflow did not read them in time; the message holds its import errors.
    """
    wanted = [f"{usecase.name}.{link}" for link in (*LINKS, REFERENCE)]
    deadline = time.monotonic() + timeout_seconds
    while missing := sorted(set(wanted) - api.dag_ids()):
        if errors := api.import_errors():
            raise PlatformError(f"Airflow cannot read these DAG files: {'; '.join(errors)}")
        if time.monotonic() > deadline:
            raise PlatformError(f"Airflow does not know the DAGs {missing}; see the log of the dag-processor")
        time.sleep(0.5)
    for dag_id in wanted:
        api.unpause(dag_id)


def land_references(settings: Settings, api: AirflowApi, usecase: UseCase, *, timeout_seconds: float = 300.0) -> None:
    """Land the reference data and wait for it.

    Raises:
        PlatformError: it failed; the message holds the task's error and its log.
    """
    if not usecase.reference_datasets:
        return
    dag_id = f"{usecase.name}.{REFERENCE}"
    cascade = Cascade(settings, api, usecase.name, (REFERENCE,), begun_at=datetime.now(UTC))
    # Unpausing may have started the one run that its schedule asks for.
    active = [run["dag_run_id"] for run in api.runs([dag_id], states=["queued", "running"])]
    run_id = active[0] if active else api.trigger(dag_id)
    deadline = time.monotonic() + timeout_seconds
    while (state := api.run(dag_id, run_id)["state"]) in {"queued", "running"}:
        if time.monotonic() > deadline:
            raise PlatformError(f"{dag_id} is still {state} after {timeout_seconds:.0f} s")
        time.sleep(0.3)
    if state != "success":
        told = "; ".join(f"{failure.task_id}: {failure.error} (log: {failure.log})" for failure in cascade.failures())
        raise PlatformError(f"{dag_id} ended as {state}: {told}")
