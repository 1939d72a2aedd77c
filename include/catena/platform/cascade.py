"""Follows a use case's links from a backfill to the last report, across Airflow's runs and pending asset events.

Starting runs belongs in `catena.platform.api`, showing progress in `catena.cli`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from catena.database import database_url
from catena.platform.airflow import airflow_home
from catena.platform.api import AirflowApi
from catena.platform.errors import PlatformError
from catena.settings import Settings

# In the order of the flow; `reference` runs by itself, before them.
LINKS = ("ingest", "features", "search", "train", "promote", "score", "monitor", "report")
REFERENCE = "reference"
_ACTIVE = ("queued", "running")
# A run's failure in the chain is rare: more than these say nothing new.
_MAXIMUM_FAILURES = 10

# What the scheduler has still to turn into runs; a month that waits for its last days stays, so rest is what counts.
_EVENTS = text("""
    SELECT (SELECT coalesce(max(id), 0) FROM partitioned_asset_key_log),
           (SELECT count(*) FROM asset_partition_dag_run WHERE created_dag_run_id IS NULL),
           (SELECT coalesce(max(id), 0) FROM asset_event)
""")


@dataclass(frozen=True)
class LinkProgress:
    """Runs of one link since the cascade began; active ones are queued or running."""

    link: str
    active: int
    succeeded: int
    failed: int


@dataclass(frozen=True)
class Failure:
    """A task that failed."""

    dag_id: str
    partition: str
    task_id: str
    error: str
    log: Path


class Cascade:
    """The runs of a use case's links from the moment of its creation on."""

    def __init__(
        self, settings: Settings, api: AirflowApi, usecase: str, links: Sequence[str] = LINKS, *, begun_at: datetime
    ) -> None:
        self._settings = settings
        self._api = api
        self._dags = {f"{usecase}.{link}": link for link in links}
        self._begun_at = begun_at
        self._before = api.run_states(list(self._dags))

    def progress(self) -> list[LinkProgress]:
        """Return how far each link is."""
        now = self._api.run_states(list(self._dags))
        return [
            LinkProgress(
                link=link,
                active=sum(now.get(dag_id, {}).get(state, 0) for state in _ACTIVE),
                succeeded=self._since(now, dag_id, "success"),
                failed=self._since(now, dag_id, "failed"),
            )
            for dag_id, link in self._dags.items()
        ]

    def follow(
        self,
        watch: Callable[[list[LinkProgress]], None],
        *,
        settle_seconds: float = 3.0,
        poll_seconds: float = 1.0,
        timeout_seconds: float | None = None,
    ) -> list[LinkProgress]:
        """Wait until nothing runs, and neither runs nor asset events have changed for the time of settling.

        Raises:
            PlatformError: it did not come to rest in time.
        """
        begun = still_since = time.monotonic()
        seen: Any = None
        engine = create_engine(database_url(self._settings, "airflow"), pool_size=1, pool_pre_ping=True)
        try:
            while True:
                progress = self.progress()
                watch(progress)
                state = (progress, self._events(engine))
                if state != seen or any(link.active for link in progress):
                    seen, still_since = state, time.monotonic()
                elif time.monotonic() - still_since >= settle_seconds:
                    return progress
                if timeout_seconds is not None and time.monotonic() - begun > timeout_seconds:
                    busy = [f"{link.link}: {link.active}" for link in progress if link.active]
                    raise PlatformError(f"not finished after {timeout_seconds:.0f} s; still active: {busy}")
                time.sleep(poll_seconds)
        finally:
            engine.dispose()

    def failures(self) -> list[Failure]:
        """Return the failed tasks of this cascade, each with its error and its log."""
        found: list[Failure] = []
        for run in self._api.runs(list(self._dags), states=["failed"], ended_since=self._begun_at):
            for task in self._api.task_instances(run["dag_id"], run["dag_run_id"]):
                if task["state"] == "failed" and len(found) < _MAXIMUM_FAILURES:
                    log = task_log(self._settings, run["dag_id"], run["dag_run_id"], task)
                    partition = run["partition_key"] or run["dag_run_id"]
                    found.append(Failure(run["dag_id"], partition, task["task_id"], last_error(log), log))
        return found

    def _since(self, now: dict[str, dict[str, int]], dag_id: str, state: str) -> int:
        return max(0, now.get(dag_id, {}).get(state, 0) - self._before.get(dag_id, {}).get(state, 0))

    @staticmethod
    def _events(engine: Engine) -> tuple[int, ...]:
        with engine.connect() as connection:
            return tuple(int(value) for value in connection.execute(_EVENTS).one())


def task_log(settings: Settings, dag_id: str, run_id: str, task: dict[str, Any]) -> Path:
    """Return the log file of a task's last attempt."""
    folder = airflow_home(settings) / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task['task_id']}"
    if task.get("map_index", -1) >= 0:
        folder /= f"map_index={task['map_index']}"
    return folder / f"attempt={task['try_number']}.log"


def last_error(log: Path) -> str:
    """Return the last error that a task's log (JSON lines) tells, as one line."""
    if not log.exists():
        return "no log: the task ended before it began; see the scheduler's log"
    found = "no error in the log"
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            # A library wrote plain text into the log.
            continue
        if not isinstance(record, dict) or record.get("level") not in {"error", "critical"}:
            continue
        details = record.get("error_detail") or []
        if details:
            found = f"{details[0].get('exc_type', 'error')}: {details[0].get('exc_value', '')}"
        else:
            found = str(record.get("event", found))
    return " ".join(found.split())
