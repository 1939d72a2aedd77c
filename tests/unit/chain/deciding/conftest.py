"""A small use case whose truth is known, in a lake and a ledger of its own: label = a coin whose bias is `signal`."""

from __future__ import annotations

import random
import shutil
import sys
import types
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from catena.declaration import (
    Calendar,
    CleanTable,
    Column,
    Dataset,
    FeatureInput,
    FeatureView,
    FileSource,
    Gate,
    Label,
    Model,
    Monitoring,
    Recipe,
    Report,
    Table,
    UseCase,
)
from catena.partitions import start_of
from catena.run import Run
from catena.workspace import Workspace

ROWS = 20


def pipeline(recipe: Recipe) -> Pipeline:
    logistic = LogisticRegression(random_state=recipe.seed, **recipe.params)
    return Pipeline([("scale", StandardScaler()), ("logistic", logistic)])


def column(name: str, type_: Any = "string", *, nullable: bool = False) -> Column:
    return Column(name=name, type=type_, description=name, nullable=nullable)


KEYS = (column("partition"), column("entity"))
FEATURES = Table(
    name="features", description="f", owner="o", primary_key=("partition", "entity"),
    columns=(*KEYS, column("decision_at", "timestamp"), column("signal", "float64"), column("shop"),
             column("noise", "float64")),
)  # fmt: skip
OUTCOMES = Table(
    name="outcomes", description="o", owner="o", primary_key=("partition", "entity"),
    columns=(*KEYS, column("known_at", "timestamp"), column("bought", "int64", nullable=True)),
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def toy_module() -> None:
    module = types.ModuleType("toy_models")
    module.pipeline = pipeline  # type: ignore[attr-defined]
    sys.modules["toy_models"] = module


def declare(**changes: Any) -> UseCase:
    """Return the use case, with changes to its model's declaration."""
    model = {
        "factory": "toy_models:pipeline", "numeric": ("signal",), "categorical": (), "baseline_by": ("shop",),
        "slices": ("shop",), "validation_days": 7, "minimum_rows": 100, **changes,
    }  # fmt: skip
    return UseCase(
        name="toys", title="t", question="q", owner="o", timezone="UTC",
        calendar=Calendar(first="2024-01-01", last="2024-04-30"),
        tables=(FEATURES, OUTCOMES),
        datasets=(Dataset(
            name="sales", source=FileSource(path="{partition}.csv"), columns=(column("entity"),), rules=(),
            clean=(CleanTable(table="outcomes", sql="outcomes.sql"),),
        ),),
        features=FeatureView(table="features", spine_table="outcomes", entity="entity", decision_sql="known_at",
                             sql="f",
                             inputs=(FeatureInput(name="o", table="outcomes", cut="row", columns=("entity",)),)),
        label=Label(table="outcomes", entity="entity", expression="bought", description="d", unit="probability"),
        model=Model(**model), gate=Gate(metric="roc_auc"), monitoring=Monitoring(),
        report=Report(title="r", entity_plural="e", event="v", dimensions=("shop",)), exporter="x:y",
        folder=Path(__file__).parent,
    )  # fmt: skip


@pytest.fixture
def usecase() -> UseCase:
    return declare()


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database without content: creating it takes seconds, copying it none."""
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MlflowClient(f"sqlite:///{file}").search_registered_models()
        MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def local(workspace: Workspace, tmp_path: Path, empty_mlflow: Path) -> Workspace:
    """A workspace whose MLflow is a database file of its own."""
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    workspace.settings = workspace.settings.model_copy(update={"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"})
    return workspace


def run_of(link: str, try_number: int = 1) -> Run:
    return Run("toys", link, f"test-{link}", try_number, code_version="0.1.0+test")


Landing = Callable[..., None]


@pytest.fixture
def land(local: Workspace, usecase: UseCase) -> Landing:
    """Return a function that puts features and outcomes of days into the lake."""

    def put(days: list[str], *, bought: int | None = None, seed: str = "", is_labelled: bool = True) -> None:
        features, outcomes = [], []
        for day in days:
            chance, noise = random.Random(day + seed), random.Random(f"{day} noise")
            for n in range(ROWS):
                signal = chance.random()
                at = start_of(day) + timedelta(hours=8, minutes=n)
                key = {"partition": day, "entity": f"{day}-{n:02d}"}
                features.append({**key, "decision_at": at, "signal": signal, "shop": "AB"[n % 2],
                                 "noise": noise.random()})  # fmt: skip
                outcome = int(chance.random() < signal) if bought is None else bought
                outcomes.append({**key, "known_at": at + timedelta(hours=3), "bought": outcome})
        lake = local.lake(usecase)
        for name, rows in (("features", features), ("outcomes", outcomes)):
            if name == "features" or is_labelled:
                lake.overwrite(name, _arrow(rows), run=run_of("ingest"), partitions=days, standing="final")

    return put


def _arrow(rows: list[dict[str, Any]]) -> pa.Table:
    utc = pa.timestamp("us", tz="UTC")
    table = pa.Table.from_pylist(rows)
    for place, field in enumerate(table.schema):
        if isinstance(rows[0][field.name], datetime):
            table = table.set_column(place, field.name, table[field.name].cast(utc))
    return table


@pytest.fixture(name="declare")
def _declare() -> Callable[..., UseCase]:
    return declare


@pytest.fixture(name="run_of")
def _run_of() -> Callable[..., Run]:
    return run_of
