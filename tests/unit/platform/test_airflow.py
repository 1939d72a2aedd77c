"""The environment in which Airflow and MLflow run."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from catena.declared import declared_usecases
from catena.platform import airflow
from catena.platform.secrets import secret
from catena.settings import PROJECT_ROOT, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = SecretStr("postgresql://user:secret@127.0.0.1:5999/platform")
    return Settings(_env_file=None, home=tmp_path, database_url=url, api_port=18999, parallelism=5)


def test_a_child_reads_the_same_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables for a child process give the settings that they were made from."""
    for name, value in airflow.settings_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == settings


def test_every_server_stays_on_loopback(settings: Settings) -> None:
    """By default nothing listens on an address that other machines reach."""
    environment = airflow.environment(settings, (), base={})
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18999/execution/"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@127.0.0.1:5999/platform_airflow")


def test_telemetry_is_off(settings: Settings) -> None:
    """No component reports its use to anybody."""
    environment = airflow.environment(settings, (), base={})
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["DO_NOT_TRACK"] == "true"
    assert environment["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"


def test_a_deployment_may_change_airflows_options_but_not_the_installation(settings: Settings) -> None:
    """A variable of the caller wins, except where it would point the installation at another one's state."""
    base = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "2", "AIRFLOW_HOME": "/elsewhere", "CATENA_PRELOAD": "1"}
    environment = airflow.environment(settings, (), base=base)
    assert environment["AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME"] == "2"
    assert environment["AIRFLOW_HOME"] == str(settings.home.resolve() / "airflow")
    assert "CATENA_PRELOAD" not in environment


def test_secrets_are_made_once_and_read_by_their_owner_only(settings: Settings) -> None:
    """Every file under secrets/ has mode 0600, and a second start finds the same secrets."""
    airflow.prepare(settings)
    first = airflow.environment(settings, (), base={})
    files = list((settings.home / "secrets").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert airflow.environment(settings, (), base={}) == first
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}=", secret(settings, "fernet_key"))
    assert list(json.loads(airflow.login_file(settings).read_text())) == ["admin"]


def test_each_connection_of_a_source_leads_to_the_upstream_database(settings: Settings) -> None:
    """The demo's SQL sources read the database that plays upstream, unless the deployment names another."""
    environment = airflow.environment(settings, declared_usecases(), base={})
    connections = {name: url for name, url in environment.items() if name.startswith("AIRFLOW_CONN_")}
    assert connections == {
        "AIRFLOW_CONN_AIRLINE_OPERATIONS": "postgresql://user:secret@127.0.0.1:5999/platform_upstream"
    }
    base = {"AIRFLOW_CONN_AIRLINE_OPERATIONS": "postgresql://real"}
    assert airflow.environment(settings, declared_usecases(), base=base)["AIRFLOW_CONN_AIRLINE_OPERATIONS"] == (
        "postgresql://real"
    )


def test_the_example_documents_every_setting() -> None:
    """`.env.example` names each setting once, and no other."""
    text = (PROJECT_ROOT / ".env.example").read_text()
    named = re.findall(r"^# (CATENA_[A-Z_]+)=", text, flags=re.MULTILINE)
    assert sorted(named) == sorted(f"CATENA_{name.upper()}" for name in Settings.model_fields)
