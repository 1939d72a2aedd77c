"""The use case of these tests: its declaration, and the rows of a day, seeded by the day.

What becomes of them in a lake belongs in `conftest.py` beside it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

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
from catena.partitions import parse_day

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
