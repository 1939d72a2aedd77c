"""A small client of Airflow's REST API: what `catena up`, `catena demo` and `catena backfill` need of it.

What the runs mean together belongs in `catena.platform.cascade`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal

import httpx

from catena.partitions import start_of
from catena.platform.airflow import ADMIN, client_url
from catena.platform.errors import NotRunning, PlatformError
from catena.platform.secrets import password
from catena.settings import Settings

Reprocess = Literal["none", "failed", "completed"]
_PAGE = 100


class ApiRefused(PlatformError):
    """Airflow's API refused a request; the message holds its answer."""


class AirflowApi:
    """Airflow's REST API of a running installation, logged in as its administrator."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.url = client_url(settings, settings.api_port)
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._login()

    def __enter__(self) -> AirflowApi:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def dag_ids(self) -> set[str]:
        """Return the ids of all DAGs that are parsed and current."""
        return {dag["dag_id"] for dag in self._pages("/api/v2/dags", "dags")}

    def import_errors(self) -> list[str]:
        """Return the files that Airflow could not parse, each with the last line of its error."""
        errors = self._pages("/api/v2/importErrors", "import_errors")
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def reparse(self, dag_id: str) -> None:
        """Have a DAG's file read now instead of at its next turn.

        Airflow starts the watchers of a DAG that was paused only when it reads the file anew, up to
        `min_file_process_interval` after the DAG was unpaused.
        """
        token = self._call("GET", f"/api/v2/dags/{dag_id}")["file_token"]
        self._call("PUT", f"/api/v2/parseDagFile/{token}")

    def trigger(self, dag_id: str, *, partition_key: str | None = None, conf: dict[str, Any] | None = None) -> str:
        """Start a run, of a partition where the DAG has such; return its id."""
        body = {"logical_date": None, "partition_key": partition_key, "conf": conf or {}}
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def backfill(self, dag_id: str, first: str, last: str, *, reprocess: Reprocess, max_active_runs: int = 16) -> int:
        """Start a backfill of the day partitions from `first` to `last`, both included; return its id.

        Airflow reads the clock of both ends in the timetable's zone, so midnight UTC means local midnight.
        """
        body = {
            "dag_id": dag_id,
            "from_date": start_of(first).isoformat(),
            "to_date": start_of(last).isoformat(),
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
        }
        return int(self._call("POST", "/api/v2/backfills", json=body)["id"])

    def run_states(self, dag_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return, for each DAG, how many runs are in each state."""
        answer = self._call("GET", "/api/v2/dagStats", params={"dag_ids": list(dag_ids)})
        return {dag["dag_id"]: {entry["state"]: entry["count"] for entry in dag["stats"]} for dag in answer["dags"]}

    def runs(
        self, dag_ids: Sequence[str], *, states: Sequence[str] | None = None, ended_since: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return runs of DAGs, oldest first."""
        body: dict[str, Any] = {"dag_ids": list(dag_ids), "page_limit": _PAGE, "page_offset": 0, "order_by": "id"}
        if states is not None:
            body["states"] = list(states)
        if ended_since is not None:
            body["end_date_gte"] = ended_since.isoformat()
        found: list[dict[str, Any]] = []
        while True:
            page = self._call("POST", "/api/v2/dags/~/dagRuns/list", json=body)["dag_runs"]
            found += page
            if len(page) < _PAGE:
                return found
            body["page_offset"] += _PAGE

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return one run."""
        return self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the tasks of a run."""
        return self._pages(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def questions(self, dag_id: str) -> list[dict[str, Any]]:
        """Return the tasks of a DAG that rest until a person answers, each with what it asks."""
        path, asked = f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails", {"response_received": False}
        found = self._pages(path, "hitl_details", asked)
        return [question for question in found if question["task_instance"]["state"] == "awaiting_input"]

    def answer(self, task: Mapping[str, Any], chosen: str, form: Mapping[str, str]) -> None:
        """Answer the question of a task.

        Args:
            task: the task instance, as `questions` gives it.
            chosen: one of the offered options.
            form: values of all fields that are asked for.
        """
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        body = {"chosen_options": [chosen], "params_input": dict(form)}
        self._call("PATCH", f"{path}/{task['map_index']}/hitlDetails", json=body)

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool, or give it this many slots."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if name in {pool["name"] for pool in self._pages("/api/v2/pools", "pools")}:
            self._call("PATCH", f"/api/v2/pools/{name}", json=body)
        else:
            self._call("POST", "/api/v2/pools", json=body)

    def _login(self) -> None:
        login = {"username": ADMIN, "password": password(self._settings, "admin_password")}
        try:
            answer = self._client.post("/auth/token", json=login)
        except httpx.TransportError as error:
            raise NotRunning(f"Airflow does not answer at {self.url} ({error}). Start it by `catena up`.") from error
        if answer.status_code != 201:
            raise ApiRefused(f"{self.url} refused our login ({answer.status_code}): is it another Airflow's port? "
                             f"CATENA_API_PORT chooses ours.")  # fmt: skip
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **arguments)
            if answer.status_code == 401:
                self._login()
                answer = self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise NotRunning(f"Airflow stopped answering at {self.url} ({error!r}); see `catena status`.") from error
        if answer.is_error:
            raise ApiRefused(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        content: dict[str, Any] = answer.json()
        return content

    def _pages(self, path: str, key: str, asked: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._call("GET", path, params={"limit": _PAGE, "offset": len(found), **(asked or {})})
            found += page[key]
            if len(page[key]) < _PAGE:
                return found
