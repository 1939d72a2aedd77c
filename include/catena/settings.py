"""The one reader of environment variables, of `.env` and of `environments.toml`.

A setting is the variable's, else that of `.env.<environment>`, else that of `.env`, else the environment's, else the
default. `.env` belongs to the environment that it names, `dev` if none: so that one environment never works in the
folders of another.

Every port, path and address that a deployment may change is a field here and is documented in `.env.example`.
What a use case declares (tables, rules, schedules) does not belong here.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from catena.environments import DEFAULT, Approval, declared_settings

PROJECT_ROOT = Path(__file__).resolve().parents[2]

QUIET_LIBRARIES = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "DO_NOT_TRACK": "true",
    "SCARF_ANALYTICS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}
"""Variables by which libraries neither tell their makers of their use nor draw progress bars into logs."""


def quiet_libraries() -> None:
    """Set the variables of `QUIET_LIBRARIES` that nobody has set; to be called before these libraries are imported."""
    for name, value in QUIET_LIBRARIES.items():
        os.environ.setdefault(name, value)


class Settings(BaseSettings):
    """Where this installation keeps its state and which ports it uses."""

    model_config = SettingsConfigDict(env_prefix="CATENA_", env_file=PROJECT_ROOT / ".env", extra="ignore", frozen=True)

    environment: str = Field(default=DEFAULT, description="Name of the environment, as environments.toml declares it.")
    environments_file: Path = Field(
        default=PROJECT_ROOT / "environments.toml", description="File that declares the environments."
    )
    gates: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Fields of a use case's gate that are other in this environment, as JSON."
    )
    trains: bool = Field(
        default=True, description="Whether models are trained here; false: `catena models transfer` brings them."
    )
    home: Path = Field(default=PROJECT_ROOT / ".catena", description="Folder that holds all state.")
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL URL (postgresql://user:password@host:port/database). Unset: the embedded server.",
    )
    lake_url: str | None = Field(default=None, description="Root of the lake; unset: $CATENA_HOME/lake.")
    lake_storage_options: dict[str, str] = Field(default_factory=dict, description="Object store options, as JSON.")
    landing_url: str | None = Field(
        default=None, description="Folder or fsspec URL in which upstream files land; unset: $CATENA_HOME/landing."
    )
    pages_dir: Path | None = Field(default=None, description="Folder of HTML pages; unset: $CATENA_HOME/pages.")
    test_results: Path | None = Field(
        default=None, description="Outcomes of tests, which `make test` writes; unset: $CATENA_HOME/test-results.jsonl."
    )
    tracking_uri: str | None = Field(
        default=None, description="MLflow tracking URI; unset: the MLflow server that `catena up` starts."
    )
    broker: Literal["nats", "kafka"] = Field(default="nats", description="Kind of broker that keeps the streams.")
    broker_url: str | None = Field(
        default=None,
        description="NATS URL, or Kafka's bootstrap servers; unset: the NATS server that `catena up` starts.",
    )
    broker_credentials: Path | None = Field(
        default=None, description="JSON file with the options of the broker's client that hold secrets."
    )
    schema_registry_url: str | None = Field(
        default=None, description="Schema registry for the events in Kafka; unset: messages are plain JSON."
    )
    schema_registry_credentials: Path | None = Field(
        default=None, description="JSON file with the options of the registry's client that hold secrets."
    )
    host: str = Field(default="127.0.0.1", description="Address that servers bind to.")
    api_port: int = Field(default=8080, description="Airflow API server and UI.")
    mlflow_port: int = Field(default=5000, description="MLflow server and UI.")
    postgres_port: int = Field(default=5433, description="Embedded PostgreSQL.")
    nats_port: int = Field(default=4222, description="Embedded NATS server.")
    nats_sync_always: bool = Field(
        default=False, description="The embedded NATS server syncs each event to disk before it acknowledges it."
    )
    approval: Approval = Field(
        default=Approval(), description="Whether people approve promotions, who, and for how long they are waited for."
    )
    vacuum_retention_hours: int = Field(
        default=1, ge=1, description="How long replaced files of raw and event tables are kept."
    )
    worker_log_port: int = Field(default=8793, description="Airflow's worker log server.")
    triggerer_log_port: int = Field(default=8794, description="Airflow's triggerer log server.")
    parallelism: int = Field(default=8, description="Task slots of the LocalExecutor.")
    training_slots: int = Field(default=1, description="Trainings that may run side by side.")
    warm_workers: bool = Field(default=True, description="Import the heavy libraries once, before workers are forked.")
    start_seconds: int = Field(default=180, description="How long `catena up` waits for a component to be healthy.")
    dags_folder: Path = Field(default=PROJECT_ROOT / "dags", description="Folder that Airflow reads DAGs from.")
    plugins_folder: Path = Field(default=PROJECT_ROOT / "plugins", description="Folder of Airflow plugins.")

    @property
    def lake_root(self) -> str:
        """Root URL or folder of the lake, without a trailing slash."""
        return (self.lake_url or str(self.home / "lake")).rstrip("/")

    @property
    def landing_root(self) -> str:
        """Root URL or folder where upstream systems leave their files, without a trailing slash."""
        return (self.landing_url or str(self.home / "landing")).rstrip("/")

    @property
    def pages(self) -> Path:
        """Folder of the HTML pages: verdicts and reports."""
        return self.pages_dir or self.home / "pages"

    @property
    def recorded_tests(self) -> Path:
        """File with the outcomes of tests, as the score card reads them."""
        return self.test_results or self.home / "test-results.jsonl"

    @property
    def mlflow_uri(self) -> str:
        """Tracking URI that clients use."""
        return self.tracking_uri or f"http://{self.host}:{self.mlflow_port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, the first one wins."""
        return init_settings, env_settings, _Environment(settings_cls, dotenv_settings, file_secret_settings)


class _Environment(PydanticBaseSettingsSource):
    """What belongs to one environment: its `.env` files, and what `environments.toml` sets for it."""

    def __init__(
        self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource, secrets: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv
        self._secrets = secrets

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Return nothing: this source reads all settings at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the settings that this source gives."""
        fields = self.settings_cls.model_fields
        shared = self._dotenv()
        owner = str(shared.get("environment", DEFAULT))
        name = str(self.current_state.get("environment", owner))
        own = shared if name == owner else {}
        file = Path(self.current_state.get("environments_file", own.get("environments_file"))
                    or fields["environments_file"].default)  # fmt: skip
        known = set(fields) - {"environment", "environments_file"}
        return {**declared_settings(file, name, known), **self._secrets(), **own, **self._specific(name)}

    def _specific(self, name: str) -> dict[str, Any]:
        """Return what `.env.<environment>` gives; it is for secrets, and for what one machine has otherwise."""
        if not (env_file := getattr(self._dotenv, "env_file", None)):
            return {}
        return DotEnvSettingsSource(self.settings_cls, env_file=Path(env_file).with_name(f".env.{name}"))()


class _Elsewhere(Settings):
    """Settings of an environment that is not this process's: variables of this process are not its own."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **others: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources without the variables of this process."""
        dotenv = others["dotenv_settings"]
        return init_settings, _Environment(settings_cls, dotenv, InitSettingsSource(settings_cls, {}))


def settings_of(name: str, here: Settings) -> Settings:
    """Return the settings of an environment, as a process of its own would find them.

    Args:
        name: of the environment.
        here: settings of this process: they say which file declares the environments.

    Raises:
        UnknownEnvironment: naming those that there are.
    """
    if name == here.environment:
        return here
    return _Elsewhere(environment=name, environments_file=here.environments_file)


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
