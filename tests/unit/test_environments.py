"""Environments: where their settings come from, and that none works in the folders of another."""

from __future__ import annotations

import os

import pytest
from pydantic import ValidationError

from catena.declared import declared_usecase, governed
from catena.environments import Approval, UnknownEnvironment, declared_environments
from catena.settings import PROJECT_ROOT, Settings, settings_of

FILE = """
[staging]
api_port = 8180
[staging.gates.trains]
minimum_gain = 0.01
[prod]
home = "state/prod"
lake_url = "s3://bucket/lake"
trains = false
approval = {required = true, approvers = ["ada"], hours = 24}
"""


@pytest.fixture
def declared(tmp_path, monkeypatch):
    """A project folder with its files, and no variable of this process."""
    for name in [name for name in os.environ if name.startswith("CATENA_")]:
        monkeypatch.delenv(name)
    (tmp_path / "environments.toml").write_text(FILE, encoding="utf-8")
    (tmp_path / ".env").write_text(f"CATENA_HOME={tmp_path}/mine\nCATENA_API_PORT=9000\n", encoding="utf-8")
    (tmp_path / ".env.prod").write_text("CATENA_DATABASE_URL=postgresql://u:secret@db/prod\n", encoding="utf-8")
    return tmp_path


def settings(folder, **fields):
    return Settings(_env_file=folder / ".env", environments_file=folder / "environments.toml", **fields)


def test_without_a_word_it_is_dev_as_ever(declared):
    """`.env` speaks for dev: its home, its ports; nobody is asked for approval and no gate is changed."""
    found = settings(declared)
    assert (found.environment, found.home, found.api_port) == ("dev", declared / "mine", 9000)
    assert (found.approval, found.gates) == (Approval(), {})
    assert Settings(_env_file=None).home == PROJECT_ROOT / ".catena"


def test_an_environment_keeps_to_itself(declared):
    """What `.env` says of dev holds for no other one: each has its own home, and secrets of its own."""
    staging, prod = (settings(declared, environment=name) for name in ("staging", "prod"))
    assert (staging.home, staging.api_port, staging.database_url) == (declared / ".catena/staging", 8180, None)
    assert (staging.trains, prod.trains) == (True, False)
    assert staging.gates == {"trains": {"minimum_gain": 0.01}}
    assert (prod.home, prod.lake_root, prod.api_port) == (declared / "state/prod", "s3://bucket/lake", 8080)
    assert prod.database_url.get_secret_value().endswith("@db/prod")
    assert (prod.approval.is_needed("trains"), prod.approval.approvers, prod.approval.hours) == (True, ("ada",), 24)


def test_a_variable_wins(declared, monkeypatch):
    """The environment's file is below the variables of the process, as `.env` is."""
    monkeypatch.setenv("CATENA_ENVIRONMENT", "staging")
    monkeypatch.setenv("CATENA_API_PORT", "7000")
    found = settings(declared)
    assert (found.environment, found.api_port) == ("staging", 7000)


def test_another_environment_is_read_without_the_variables_of_this_one(declared, monkeypatch):
    """Whoever brings a model to prod from staging must not reach staging's own lake under prod's name."""
    monkeypatch.chdir(declared)
    monkeypatch.setenv("CATENA_LAKE_URL", "s3://staging/lake")
    here = settings(declared, environment="staging")
    there = settings_of("prod", here)
    assert (here.lake_root, there.lake_root, there.environment) == ("s3://staging/lake", "s3://bucket/lake", "prod")
    assert settings_of("staging", here) is here


def test_what_is_not_declared_is_refused_by_name(declared):
    """An unknown environment names those that there are; a misspelt setting is no silent default."""
    with pytest.raises(UnknownEnvironment, match=r"\['dev', 'prod', 'staging'\]"):
        settings(declared, environment="production")
    (declared / "environments.toml").write_text("[prod]\napi_prt = 1\n", encoding="utf-8")
    with pytest.raises(UnknownEnvironment, match="api_prt"):
        settings(declared, environment="prod")


def test_a_gate_is_changed_field_by_field():
    """An environment may be stricter; what it does not name stays as declared, and a misspelt field is refused."""
    usecase = declared_usecase("flight_delays")
    strict = governed(usecase, {"flight_delays": {"refresh_margin": 0.001}})
    assert strict.gate.refresh_margin == 0.001
    assert strict.gate.model_dump(exclude={"refresh_margin"}) == usecase.gate.model_dump(exclude={"refresh_margin"})
    assert governed(usecase, {"trains": {"minimum_gain": 1}}) is usecase
    with pytest.raises(ValidationError, match="minimum_gein"):
        governed(usecase, {"flight_delays": {"minimum_gein": 0.1}})


def test_the_projects_own_environments_share_nothing():
    """On one machine dev, staging and prod run side by side: no home and no port is given twice."""
    here = Settings(_env_file=None)
    found = [settings_of(name, here) for name in declared_environments(here.environments_file)]
    assert {each.environment for each in found} == {"dev", "staging", "prod"}
    for name in ("home", "api_port", "mlflow_port", "postgres_port", "nats_port"):
        assert len({getattr(each, name) for each in found}) == len(found), name
    assert [each.approval.required for each in found if each.environment == "prod"] == [True]
