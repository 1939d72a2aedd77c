from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from catena.database import DatabaseNotReady, database_url
from catena.settings import PROJECT_ROOT, Settings


def settings(**fields: object) -> Settings:
    return Settings(_env_file=None, **fields)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("CATENA_")]:
        monkeypatch.delenv(name)


def test_everything_lies_below_home_unless_told_otherwise(tmp_path):
    """One setting moves the whole state; each place can be moved by its own."""
    found = settings(home=tmp_path)
    assert (found.lake_root, found.landing_root) == (f"{tmp_path}/lake", f"{tmp_path}/landing")
    assert found.pages == tmp_path / "pages"
    assert found.mlflow_uri == "http://127.0.0.1:5000"
    moved = settings(
        home=tmp_path, lake_url="s3://bucket/lake/", landing_url="/in/", pages_dir="/out", tracking_uri="x"
    )
    assert (moved.lake_root, moved.landing_root, moved.pages) == ("s3://bucket/lake", "/in", Path("/out"))
    assert moved.mlflow_uri == "x"


def test_the_environment_is_read_by_prefix(monkeypatch, tmp_path):
    """Each field is one variable; options of the object store are JSON."""
    monkeypatch.setenv("CATENA_HOME", str(tmp_path))
    monkeypatch.setenv("CATENA_API_PORT", "9000")
    monkeypatch.setenv("CATENA_LAKE_STORAGE_OPTIONS", '{"AWS_REGION": "eu"}')
    found = settings()
    assert (found.home, found.api_port, found.lake_storage_options) == (tmp_path, 9000, {"AWS_REGION": "eu"})


def test_a_port_that_is_none_is_refused_by_name(monkeypatch):
    """A wrong value stops the start and names the setting."""
    monkeypatch.setenv("CATENA_API_PORT", "eighty")
    with pytest.raises(ValidationError, match="api_port"):
        settings()


def test_servers_bind_to_loopback_by_default():
    """Nothing is offered to the network unless somebody says so."""
    assert settings().host == "127.0.0.1"


def test_passwords_are_not_printed():
    """Settings can be logged: the database's password does not show."""
    found = settings(database_url="postgresql://u:secret@db/catena")
    assert "secret" not in repr(found)
    assert "secret" not in str(found.model_dump())


@pytest.mark.parametrize(("consumer", "database"), [("catena", "x"), ("airflow", "x_airflow"), ("mlflow", "x_mlflow")])
def test_databases_lie_beside_the_one_that_is_named(consumer, database):
    """One URL gives each consumer its own database, with the driver that is installed."""
    url = database_url(settings(database_url="postgresql://u:p%40ss@db:6000/x"), consumer)
    assert (url.drivername, url.password, url.host, url.port, url.database) == (
        "postgresql+psycopg",
        "p@ss",
        "db",
        6000,
        database,
    )


def test_without_a_database_the_message_says_what_to_do(tmp_path):
    """Before the first start there is no password: the error says which command makes one."""
    with pytest.raises(DatabaseNotReady, match=r"Run `catena up`, or set CATENA_DATABASE_URL"):
        database_url(settings(home=tmp_path), "catena")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "postgres_password").write_text("word\n", encoding="utf-8")
    assert database_url(settings(home=tmp_path, postgres_port=6001), "mlflow").render_as_string(False) == (
        "postgresql+psycopg://catena:word@127.0.0.1:6001/catena_mlflow"
    )


def test_every_setting_is_documented():
    """`.env.example` names each setting, and nothing that is none."""
    example = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    named = {
        line.lstrip("# ").split("=")[0] for line in example.splitlines() if line.lstrip("# ").startswith("CATENA_")
    }
    assert named == {f"CATENA_{name.upper()}" for name in Settings.model_fields}
    assert all(field.description for field in Settings.model_fields.values())
