"""`catena dataset` and `catena models replay` on a trained month: what they print, and how they exit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import catena.declared
import catena.workspace
from catena.chain.training.snapshots import archive_of
from catena.chain.training.train import train_candidate
from catena.cli.app import app
from catena.partitions import days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")


@pytest.fixture
def catena_of(local, usecase, monkeypatch):
    """Return a function that runs a command on the workspace and the use case of this test."""
    monkeypatch.setattr(catena.workspace, "Workspace", lambda: local)
    monkeypatch.setattr(catena.declared, "declared_usecases", lambda: (usecase,))
    monkeypatch.setattr(catena.declared, "declared_usecase", lambda _: usecase)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_commands_on_two_months(local, usecase, land, run_of, catena_of):
    """Both snapshots are listed, shown and compared; a version is EQUAL three times, and DIFFERENT once damaged."""
    for month in ("2024-01", "2024-02"):
        land(days_of_month(month))
    train_candidate(local, usecase, "2024-02", run_of("train"))
    listed = json.loads(catena_of("dataset", "list", "toys", "--json").stdout)
    assert [(row["snapshot"][:13], row["rows"], row["versions"]) for row in listed] == [
        ("toys/2024-01@", 620, ["toys/1", "toys-baseline/1"]), ("toys/2024-02@", 1200, ["toys/2", "toys-baseline/2"]),
    ]  # fmt: skip
    assert listed[0]["snapshot"] in catena_of("dataset", "list").stdout
    shown = catena_of("dataset", "show", "toys/2024-01")
    for said in ("first_held_day: 2024-01-25", "480 rows, label mean 0.", "signal", "toys/1", "features: 2"):
        assert said in shown.stdout
    compared = catena_of("dataset", "diff", "toys/2024-01", "toys/2024-02").stdout
    assert "29 days differ" in compared
    assert "first_held_day: 2024-01-25 -> 2024-02-23" in compared
    assert "the same rows" in catena_of("dataset", "diff", "toys/2024-01", "toys/2024-01").stdout
    replayed = catena_of("models", "replay", "toys/2")
    assert (replayed.exit_code, replayed.stdout.count("EQUAL")) == (0, 3)
    assert "different release" in replayed.stdout
    assert catena_of("models", "replay", "toys/9").exit_code == 2
    assert catena_of("models", "replay", "trains/1").exit_code == 2
    for file in Path(archive_of(local.lake(usecase)).root, "rows").iterdir():
        file.unlink()
        break
    damaged = catena_of("models", "replay", "toys/2", "--json")
    assert damaged.exit_code == 1
    assert json.loads(damaged.stdout)["checks"][0]["verdict"] == "DIFFERENT"
