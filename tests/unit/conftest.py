"""The toys: a small use case of known truth with its own lake and ledger, whose label is a coin of bias `signal`."""

from __future__ import annotations

import random
import shutil
import sys
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pydantic import SecretStr
from sqlalchemy import URL, make_url

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

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from catena.registry.store import ModelVersion

ROWS = 20


def pipeline(recipe: Recipe) -> Pipeline:
    # Tests of other links share this file, and need neither scikit-learn nor MLflow.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

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
    from mlflow import MlflowClient

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MlflowClient(f"sqlite:///{file}").search_registered_models()
        MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test of a file has its lake in turn: what is kept of one for the next names paths in it."""
    return tmp_path_factory.mktemp("toys") / "home"


@pytest.fixture
def local(workspace: Workspace, home: Path, tmp_path: Path, empty_mlflow: Path) -> Workspace:
    """A workspace whose MLflow is a database file of its own."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    # Each test has another file: MLflow keeps a database open once it was used.
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    workspace.settings = workspace.settings.model_copy(
        update={"home": home, "tracking_uri": f"sqlite:///{tmp_path}/mlflow.db"}
    )
    return workspace


@dataclass(frozen=True)
class Kept:
    """What a workspace came to: its files, MLflow's database and its ledger, by paths and name."""

    home: Path
    mlflow: Path
    database: str


@pytest.fixture(scope="module")
def kept() -> dict[str, Kept]:
    """What the tests of a file have in common before they begin, by name."""
    return {}


@pytest.fixture
def begin(
    local: Workspace, home: Path, tmp_path: Path, kept: dict[str, Kept], create_database: Callable[[str], str],
    drop_database: Callable[[URL], None], tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[], object]], Workspace]:  # fmt: skip
    """Return a function that lets a file's first test live through something, and the others begin with its result.

    Training is most of what these tests cost. The files, MLflow's database and the ledger are copied, so no test sees
    what another one does afterwards.
    """

    def restore(past: Kept) -> None:
        local.engine.dispose()
        drop_database(local.engine.url)
        for opened in ("engine", "ledger"):
            vars(local).pop(opened, None)
        url = SecretStr(create_database(past.database))
        local.settings = local.settings.model_copy(update={"database_url": url})
        shutil.rmtree(home)
        shutil.copytree(past.home, home)
        shutil.copy(past.mlflow, tmp_path / "mlflow.db")

    def keep() -> Kept:
        folder = tmp_path_factory.mktemp("kept")
        shutil.copytree(home, folder / "home")
        shutil.copy(tmp_path / "mlflow.db", folder / "mlflow.db")
        # A database is copied while nobody is connected to it.
        database = local.engine.url.database
        assert database is not None
        local.engine.dispose()
        copy = make_url(create_database(database)).database
        assert copy is not None
        return Kept(folder / "home", folder / "mlflow.db", copy)

    def once(name: str, live: Callable[[], object]) -> Workspace:
        if name in kept:
            restore(kept[name])
        else:
            live()
            kept[name] = keep()
        return local

    return once


@pytest.fixture
def register_by_hand() -> Callable[..., ModelVersion]:
    """Return a function that registers a model fitted on a hundred made-up rows, past the training."""

    def register(workspace: Workspace, usecase: UseCase, label: Callable[[int], int]) -> ModelVersion:
        """Register it; `label` says the outcome of the row whose signal is n hundredths."""
        import pandas as pd

        from catena.chain.training.training_data import open_registry
        from catena.modeling.dataset import model_frame
        from catena.registry.store import Evidence
        from catena.registry.trusted_types import trusted_types

        frame = pd.DataFrame({"signal": [n / 100 for n in range(100)], "shop": ["A"] * 100})
        rows = model_frame(frame, usecase.model)
        estimator = pipeline(usecase.model.recipe).fit(rows, [label(n) for n in range(100)])
        evidence = Evidence("by hand", {}, {}, {}, {}, rows.head(), estimator.predict_proba(rows.head())[:, 1])
        registry, trusted = open_registry(workspace.settings), trusted_types(usecase.model)
        return registry.register("toys", estimator, evidence, trusted, experiment="toys")

    return register


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
