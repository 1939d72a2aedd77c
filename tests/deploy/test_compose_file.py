from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "CATENA_POSTGRES_PASSWORD": "pg-word",
    "CATENA_REDIS_PASSWORD": "redis-word",
    "CATENA_ADMIN_PASSWORD": "admin-word",
}


@pytest.fixture(scope="module")
def compose():
    spec = importlib.util.spec_from_file_location("compose", Path(__file__).with_name("compose.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def services(compose):
    return compose.load(SECRETS)["services"]


def test_the_file_is_valid_by_the_compose_specification():
    """The Compose specification's own JSON schema accepts the file."""
    program = Path(sys.executable).with_name("check-jsonschema")
    command = [program, "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("missing", SECRETS)
def test_compose_refuses_to_start_without_a_secret_and_names_it(compose, missing):
    """There is no default secret: unset or empty, the message says which variable to set."""
    for environment in (
        {name: value for name, value in SECRETS.items() if name != missing},
        SECRETS | {missing: ""},
    ):
        with pytest.raises(compose.MissingVariable, match=f"set {missing} to "):
            compose.load(environment)


def test_no_secret_stands_in_the_file(services):
    """Every password that a service receives is the one that was set."""
    words = re.compile(r"PASSWORD|SECRET|FERNET|AUTH$|BROKER_URL|DATABASE_URL")
    found = {
        (service, name): value
        for service, content in services.items()
        for name, value in content.get("environment", {}).items()
        if words.search(name)
    }
    assert len(found) >= len(SECRETS)
    assert [key for key, value in found.items() if not any(secret in value for secret in SECRETS.values())] == []


def test_the_components_of_an_installation_are_all_there(services):
    """PostgreSQL, Redis, MLflow, and each of Airflow's processes for Celery; one that prepares them."""
    assert set(services) == {
        "postgres", "redis", "init", "mlflow", "api-server", "scheduler", "dag-processor", "triggerer", "worker",
    }  # fmt: skip
    assert services["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_what_runs_is_watched_pinned_and_without_privileges(services):
    """Each service has a health check, an image of one version, a user that is not root, and no capability."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for name, service in services.items():
        assert name == "init" or service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"]), name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("user", "") not in {"", "root", "0"} or "build" in service, name
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert all(re.search(r":\d+\.\d+\.\d+", image) for image in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))


def test_ports_are_published_on_loopback_only(services):
    """Neither the UI nor MLflow, which asks for no password, is offered to the network; databases not at all."""
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert ports == {"api-server": ["127.0.0.1:8080:8080"], "mlflow": ["127.0.0.1:5000:5000"]}


def test_state_is_kept_on_named_volumes(compose, services):
    """What must survive a container lies on a declared volume."""
    declared = set(compose.load(SECRETS)["volumes"])
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert mounted == declared == {"database", "broker", "state"}


def test_nothing_starts_before_what_it_needs(services):
    """Databases are healthy before `init`, and `init` is done before everything else."""
    for name, service in services.items():
        needs = {other: entry["condition"] for other, entry in service.get("depends_on", {}).items()}
        if name in {"postgres", "redis"}:
            assert needs == {}
        elif name == "init":
            assert needs == {"postgres": "service_healthy", "redis": "service_healthy"}
        else:
            assert needs == {"init": "service_completed_successfully"}


def test_the_image_holds_what_was_tested():
    """The image installs the committed lock by hash with bytecode, and copies only what the checkout has."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes --compile-bytecode \\\n        -r requirements/production.lock" in dockerfile
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    sent = {
        line[1:].split("/")[0] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert {source.split("/")[0] for source in sources} == sent
