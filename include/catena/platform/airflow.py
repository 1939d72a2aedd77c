"""The environment in which Airflow's and MLflow's processes run, without importing either.

Starting them belongs in `catena.platform.processes`. A variable that the caller has set wins over the default here, so
that a deployment can change any of Airflow's options in the usual way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr
from sqlalchemy import URL

from catena.database import database_url
from catena.declaration import SqlSource, UseCase
from catena.platform.preload import SWITCH
from catena.platform.secrets import password, secret, write_private
from catena.settings import QUIET_LIBRARIES, Settings

ADMIN = "admin"
_LOCAL_SETTINGS = '''"""Warm workers, see catena.platform.preload."""

from catena.platform.preload import warm_workers

warm_workers()
'''

TELEMETRY_OFF = {**QUIET_LIBRARIES, "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False"}


def airflow_home(settings: Settings) -> Path:
    """Return Airflow's home."""
    return settings.home.resolve() / "airflow"


def prepare(settings: Settings) -> None:
    """Write the files that Airflow reads from its home: the preload, the login."""
    config = airflow_home(settings) / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS, encoding="utf-8")
    login = login_file(settings)
    text = json.dumps({ADMIN: password(settings, "admin_password")}) + "\n"
    if not login.exists() or login.read_text(encoding="utf-8") != text:
        write_private(login, text)


def login_file(settings: Settings) -> Path:
    """Return the file of names and passwords that Airflow's login reads."""
    return settings.home.resolve() / "secrets" / "airflow_logins.json"


def client_url(settings: Settings, port: int) -> str:
    """Return the URL under which this machine reaches a server that binds to `settings.host`."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    return f"http://{host}:{port}"


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return these settings as the variables from which a child process reads the same settings."""
    variables = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is None:
            continue
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
        elif isinstance(value, Path):
            text = str(value.resolve())
        elif isinstance(value, BaseModel):
            text = value.model_dump_json()
        else:
            text = json.dumps(value) if isinstance(value, dict | bool) else str(value)
        variables[f"CATENA_{name.upper()}"] = text
    return variables


def upstream_connections(settings: Settings, usecases: Iterable[UseCase]) -> dict[str, str]:
    """Return, for each connection that a SQL source names, the address of the database that plays upstream."""
    url = database_url(settings, "upstream").set(drivername="postgresql").render_as_string(hide_password=False)
    sources = [dataset.source for usecase in usecases for dataset in usecase.datasets]
    return {f"AIRFLOW_CONN_{source.connection.upper()}": url for source in sources if isinstance(source, SqlSource)}


def environment(
    settings: Settings, usecases: Iterable[UseCase], base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the full environment of a component.

    Args:
        settings: the installation.
        usecases: declared use cases, for the connections that their sources name.
        base: the caller's variables; None takes those of this process.
    """
    inherited = dict(os.environ if base is None else base)
    defaults = {
        **upstream_connections(settings, usecases),
        **TELEMETRY_OFF,
        **_airflow_options(settings),
        # One thread each: many tasks run side by side, and OpenMP's own choice makes them several times slower.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
        "MLFLOW_TRACKING_URI": settings.tracking_uri or client_url(settings, settings.mlflow_port),
    }
    # These make the installation what it is: a stray variable of another installation must not change them.
    fixed = {
        **settings_environment(settings),
        "AIRFLOW_HOME": str(airflow_home(settings)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _metadata_url(settings, "postgresql+psycopg2"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": _metadata_url(settings, "postgresql+asyncpg"),
        **_secrets(settings),
    }
    inherited.pop(SWITCH, None)
    return {**defaults, **inherited, **fixed}


def _metadata_url(settings: Settings, driver: str) -> str:
    url: URL = database_url(settings, "airflow").set(drivername=driver)
    return url.render_as_string(hide_password=False)


def _secrets(settings: Settings) -> dict[str, str]:
    return {
        "AIRFLOW__CORE__FERNET_KEY": secret(settings, "fernet_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": secret(settings, "jwt_secret"),
        "AIRFLOW__API__SECRET_KEY": secret(settings, "api_secret_key"),
    }


def _airflow_options(settings: Settings) -> dict[str, str]:
    url = client_url(settings, settings.api_port)
    options: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": settings.dags_folder.resolve(),
            "plugins_folder": settings.plugins_folder.resolve(),
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": settings.parallelism,
            "max_active_tasks_per_dag": max(settings.parallelism, 16),
            "simple_auth_manager_users": f"{ADMIN}:admin",
            "simple_auth_manager_passwords_file": login_file(settings),
            "execution_api_server_url": f"{url}/execution/",
            "hostname_callable": "socket.gethostname",
            "default_task_retry_delay": 5,
            "min_serialized_dag_update_interval": 5,
        },
        "api": {
            "host": settings.host,
            "port": settings.api_port,
            "base_url": url,
            # One process serves two cores' worth of tasks; a second one costs 300 MB and its own start.
            "workers": 1,
        },
        "scheduler": {
            "scheduler_idle_sleep_time": 0.25,
            "scheduler_heartbeat_sec": 1,
            "max_dagruns_to_create_per_loop": 50,
            "max_dagruns_per_loop_to_schedule": 20,
            "parsing_cleanup_interval": 30,
        },
        "dag_processor": {
            "refresh_interval": 30,
            "min_file_process_interval": 300,
            "stale_dag_threshold": 600,
            "parsing_processes": 1,
            "print_stats_interval": 300,
        },
        # A supervisor that looks a moment too early for the end of its task looks again after this many seconds, and
        # its slot is taken until then: of short tasks every second one waited for the 5 s of Airflow's default.
        "workers": {"min_heartbeat_interval": 2, "max_failed_heartbeats": 8},
        "triggerer": {"capacity": 100},
        "logging": {
            "worker_log_server_port": settings.worker_log_port,
            "trigger_log_server_port": settings.triggerer_log_port,
            "colored_console_log": False,
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
        },
    }
    return {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, values in options.items()
        for name, value in values.items()
    }
