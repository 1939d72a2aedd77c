"""A small use case with two months of made-up rows, for the links that watch and report.

January is what the model learned from; February was scored. Numbers come from a seeded generator, so that each test
sees the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest

from catena.declaration import (
    Amount,
    Calendar,
    CleanTable,
    Column,
    Dataset,
    FeatureInput,
    FeatureView,
    FileSource,
    Gate,
    Label,
    Limit,
    Model,
    Monitoring,
    Reference,
    Report,
    Table,
    UseCase,
)
from catena.lake import Lake, arrow_schema
from catena.partitions import day_key, days, days_of_month, parse_day, start_of
from catena.run import Run
from catena.workspace import Workspace

Kind = Literal["binary", "regression"]
ROWS_A_DAY = 24
REGIONS = ("east", "north", "south")


def _required(name: str, type_: Any) -> Column:
    return Column(name=name, type=type_, nullable=False, description=f"The {name}.")


_KEYS = (_required("partition", "string"), _required("parcel", "string"), _required("known_at", "timestamp"))
ORDERS = Table(name="orders", description="Orders.", owner="o", primary_key=("parcel",), columns=_KEYS)
ARRIVALS = Table(
    name="arrivals",
    description="Arrivals.",
    owner="o",
    primary_key=("parcel",),
    columns=(*_KEYS, Column(name="delay_min", type="float64", description="Delay.")),
)
PLACES = Table(
    name="places",
    description="Regions.",
    owner="o",
    primary_key=("region",),
    is_partitioned=False,
    columns=(_required("region", "string"), _required("name", "string")),
)
FEATURES_TABLE = Table(
    name="features",
    description="Features.",
    owner="o",
    primary_key=("partition", "entity"),
    columns=(
        _required("partition", "string"),
        _required("entity", "string"),
        _required("region", "string"),
        Column(name="load", type="float64", description="Parcels on the van."),
    ),
)


def parcels(kind: Kind = "binary") -> UseCase:
    """Return the use case: is a parcel late, or how late is it?"""
    is_late = kind == "binary"
    expression = "CASE WHEN delay_min IS NOT NULL THEN delay_min > 15 END" if is_late else "delay_min"
    return UseCase(
        name="parcels",
        title="Parcels",
        question="Is it late?",
        owner="o",
        timezone="UTC",
        calendar=Calendar(first="2013-01-18", last="2013-02-28"),
        tables=(ORDERS, ARRIVALS, PLACES, FEATURES_TABLE),
        datasets=(
            Dataset(
                name="deliveries",
                source=FileSource(path="{partition}.csv"),
                columns=(),
                rules=(),
                clean=(CleanTable(table="orders", sql="o.sql"), CleanTable(table="arrivals", sql="a.sql")),
            ),
        ),
        features=FeatureView(
            table="features",
            spine_table="orders",
            entity="parcel",
            decision_sql="known_at",
            sql="f.sql",
            inputs=(FeatureInput(name="h", table="arrivals", cut="row", columns=()),),
        ),
        label=Label(
            table="arrivals",
            entity="parcel",
            expression=expression,
            description="Late by over 15 minutes.",
            unit="probability" if is_late else "min",
        ),
        model=Model(
            kind=kind,
            factory="m:f",
            numeric=("load",),
            categorical=("region",),
            baseline_by=("region",),
            slices=("region",),
        ),
        gate=Gate(metric="roc_auc" if is_late else "mae"),
        monitoring=Monitoring(
            trailing_days=7,
            minimum_rows=20,
            drift_columns=("load",),
            limits=(Limit(measure="quarantine_rate", is_trailing=False, maximum=0.1, reason="Many rows refused."),),
        ),
        report=Report(
            title='Parcels <and> "more"',
            entity_plural="parcels",
            event="late arrivals" if is_late else "delay",
            dimensions=("region",),
            names=(Reference(column="region", table="places", key="region", name="name"),),
            amounts=(Amount(name="worst", label="Worst delay", unit="min", sql="max(delay_min)"),),
        ),
        exporter="x:y",
        folder=Path(),
    )


@dataclass
class World:
    """A workspace with the use case's tables; `fill` puts days into it."""

    workspace: Workspace
    usecase: UseCase
    run: Run = field(default_factory=lambda: Run("parcels", "test", "run-1", code_version="test"))

    @property
    def lake(self) -> Lake:
        """The use case's lake."""
        return self.workspace.lake(self.usecase)

    def again(self) -> Run:
        """Return the same run as a retry."""
        return Run("parcels", "test", "run-1", try_number=2, code_version="test")

    def fill(self, month: str, *, is_served: bool, refused: Sequence[str] = (), unlabelled: Sequence[str] = ()) -> None:
        """Write a month of orders, arrivals and features, with predictions where the month was served.

        Args:
            month: as 2013-02.
            is_served: whether there are predictions.
            refused: days whose delivery failed.
            unlabelled: days whose arrivals are still to come.
        """
        span = [day for day in days_of_month(month) if day not in refused and day >= self.usecase.calendar.first]
        for day in refused:
            self.judge(day, "FAIL")
        rows = [row for day in span for row in day_rows(day)]
        self.put("orders", rows, span)
        landed = [day for day in span if day not in unlabelled]
        self.put("arrivals", [row for row in rows if row["partition"] in landed], landed)
        self.put("features", rows, span)
        if is_served:
            self.put("predictions", [row | {"score": self.score(row)} for row in rows], span)
        for day in span:
            self.judge(day)

    def rows(self, day: str) -> list[dict[str, Any]]:
        """Return a day's parcels, as they are and as they came out."""
        return day_rows(day)

    def score(self, row: dict[str, Any]) -> float:
        """Return a score that knows something of the load."""
        return float(1 / (1 + np.exp(2 - row["load"]))) if self.usecase.model.kind == "binary" else 5 * row["load"]

    def put(self, table: str, rows: Sequence[dict[str, Any]], span: Sequence[str]) -> None:
        """Replace days of a table by rows; what a row has too much is left out."""
        schema = arrow_schema(self.lake.tables[table])
        data = pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)
        self.lake.overwrite(table, data, run=self.run, partitions=span, inputs=dict.fromkeys(span, 1), standing="final")

    def judge(self, day: str, decision: str = "PASS", refused: int = 0) -> None:
        """Write the verdict on a day's delivery."""
        payload = {
            "rules": [],
            "rows_in": ROWS_A_DAY + refused,
            "rows_published": ROWS_A_DAY,
            "rows_quarantined": refused,
        }
        self.workspace.ledger.append(
            self.run,
            kind="quality",
            subject="deliveries",
            partition=day,
            decision=decision,
            effective_at=start_of(day),
            payload=payload,
        )

    def promote(self, month: str, trained_on: str, version: str = "1") -> None:
        """Write the training on a month, and the decision that takes effect with the next one."""
        ledger = self.workspace.ledger
        ledger.append(
            self.run,
            kind="candidate",
            subject="model",
            partition=trained_on,
            decision="TRAINED",
            effective_at=start_of(month),
            payload={
                "model_version": version,
                "run_id": "r",
                "dataset": {"rows": 912, "train_rows": 744},
                "holdout": {"first": f"{trained_on}-22", "last": f"{trained_on}-28", "rows": 168},
                "metrics": {"candidate": {"roc_auc": 0.71, "mae": 4.0}, "baseline": {"roc_auc": 0.55, "mae": 6.0}},
            },
        )
        ledger.append(
            self.run,
            kind="promotion",
            subject="model",
            partition=month,
            decision="PROMOTE",
            effective_at=start_of(month),
            payload={
                "serves": {"model_version": version, "role": "champion", "trained_on": trained_on},
                "reasons": ["better than the baseline by 0.16"],
                "training_month": trained_on,
            },
        )


def day_rows(day: str) -> list[dict[str, Any]]:
    """Return one day's parcels with everything that any table says of them."""
    rng = np.random.default_rng(int(day.replace("-", "")))
    landed = datetime.combine(parse_day(day), datetime.min.time(), UTC)
    rows = []
    for number in range(ROWS_A_DAY):
        load = float(np.round(rng.gamma(2.0), 3))
        delay = None if number == 5 else float(np.round(6 * load + rng.normal(0, 6), 1))
        known_at = landed + timedelta(hours=8, minutes=30 * number)
        rows.append(
            {
                "partition": day,
                "parcel": f"{day}-{number:02d}",
                "entity": f"{day}-{number:02d}",
                "known_at": known_at,
                "delay_min": delay,
                "load": load,
                "region": REGIONS[number % 3],
                "revision": 1,
                "decision_at": landed,
                "model_version": "1",
                "model_role": "champion",
                "features_version": 0,
                "scored_at": landed,
            }
        )
    return rows


@pytest.fixture
def world_of(workspace: Workspace) -> Callable[..., World]:
    """A function that returns a filled world: January unserved, February served, March decided."""

    def build(kind: Kind, refused: Sequence[str] = (), unlabelled: Sequence[str] = ()) -> World:
        world = World(workspace, parcels(kind))
        names = pa.table({"region": list(REGIONS), "name": ["East <side>", "North", "South"]})
        world.lake.overwrite("places", names, run=world.run)
        world.fill("2013-01", is_served=False)
        world.fill("2013-02", is_served=True, refused=refused, unlabelled=unlabelled)
        world.promote("2013-02", "2013-01")
        world.promote("2013-03", "2013-02", "2")
        return world

    return build


@pytest.fixture
def world(world_of: Callable[..., World]) -> World:
    """The binary world."""
    return world_of("binary")


@pytest.fixture
def february() -> list[str]:
    """The days of the served month."""
    return days("2013-02-01", day_key(parse_day("2013-02-28")))
