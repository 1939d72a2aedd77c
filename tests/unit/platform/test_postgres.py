"""The embedded server and its databases."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from catena.database import database_url
from catena.platform import postgres
from catena.settings import Settings


def test_every_consumer_has_its_database(postgres_settings: Settings) -> None:
    """Catena, Airflow, MLflow and the upstream system each have a database of their own."""
    names = [database_url(postgres_settings, consumer).database for consumer in ("catena", "airflow", "mlflow")]
    names.append(database_url(postgres_settings, "upstream").database)
    assert names == ["catena", "catena_airflow", "catena_mlflow", "catena_upstream"]
    with psycopg.connect(postgres.dsn(database_url(postgres_settings, "catena"))) as connection:
        existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
    assert set(names) <= existing


def test_a_wrong_password_is_refused(postgres_settings: Settings) -> None:
    """The server asks for the generated password on its TCP port, also from loopback."""
    url = database_url(postgres_settings, "catena").set(password="wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.dsn(url))


def test_only_the_owner_reads_the_password(postgres_settings: Settings) -> None:
    """The password file has mode 0600 in a folder of mode 0700."""
    file = postgres_settings.home / "secrets" / "postgres_password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_server_listens_on_loopback_only(postgres_settings: Settings) -> None:
    """No other machine reaches the embedded server."""
    with psycopg.connect(postgres.dsn(database_url(postgres_settings, "catena"))) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_a_configured_server_gets_the_missing_databases(tmp_path: Path, fresh_database: Callable[[], str]) -> None:
    """With CATENA_DATABASE_URL the other databases are made beside the named one, once."""
    settings = Settings(_env_file=None, home=tmp_path, database_url=SecretStr(fresh_database()))
    assert postgres.create_databases(settings) == ["airflow", "mlflow", "upstream"]
    assert postgres.create_databases(settings) == []
    assert not (tmp_path / "postgres").exists()
