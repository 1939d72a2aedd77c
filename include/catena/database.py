"""Addresses of the PostgreSQL databases: one for Catena, one for Airflow, one for MLflow, one that plays upstream.

Starting the embedded server belongs in `catena.platform.postgres`; the tables belong to the links that write them.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import URL, Engine, create_engine, make_url

from catena.settings import Settings

Consumer = Literal["catena", "airflow", "mlflow", "upstream"]
PASSWORD_FILE = "secrets/postgres_password"  # noqa: S105 - where it is, not what it is
USER = "catena"


class DatabaseNotReady(RuntimeError):
    """No database is configured and the embedded server was never started."""


def database_url(settings: Settings, consumer: Consumer) -> URL:
    """Return the URL (psycopg driver) of a consumer's database.

    With `CATENA_DATABASE_URL` the database it names is Catena's; the others lie beside it as `<name>_airflow`,
    `<name>_mlflow` and `<name>_upstream`. Without it they are the embedded server's.

    Raises:
        DatabaseNotReady: the embedded server has no password file yet.
    """
    suffix = "" if consumer == "catena" else f"_{consumer}"
    if settings.database_url is not None:
        url = make_url(settings.database_url.get_secret_value())
        return url.set(drivername="postgresql+psycopg", database=f"{url.database}{suffix}")
    password_file = settings.home / PASSWORD_FILE
    if not password_file.exists():
        raise DatabaseNotReady(f"no database: {password_file} is missing. Run `catena up`, or set CATENA_DATABASE_URL.")
    return URL.create(
        "postgresql+psycopg",
        username=USER,
        password=password_file.read_text(encoding="utf-8").strip(),
        host="127.0.0.1",
        port=settings.postgres_port,
        database=f"catena{suffix}",
    )


def connect(settings: Settings) -> Engine:
    """Return an engine on Catena's own database; sessions run in UTC."""
    return create_engine(
        database_url(settings, "catena"),
        pool_size=2,
        pool_pre_ping=True,
        connect_args={"options": "-c timezone=utc", "connect_timeout": 10},
    )
