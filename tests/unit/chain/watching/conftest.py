"""A small use case with two months of made-up rows, for the links that watch and report.

January is what the model learned from; February was scored. Numbers come from a seeded generator, so that each test
sees the same rows.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from catena.chain.watching.monitor import monitor_partition
from catena.declaration import UseCase
from catena.lake import Lake, arrow_schema
from catena.partitions import day_key, days, days_of_month, parse_day, start_of
from catena.run import Run
from catena.workspace import Workspace


def _beside(name: str) -> Any:
    """Return the module of this name beside this file; tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARCELS = _beside("parcels")


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
        rows = [row for day in span for row in PARCELS.day_rows(day)]
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
        return PARCELS.day_rows(day)

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
            "rows_in": PARCELS.ROWS_A_DAY + refused,
            "rows_published": PARCELS.ROWS_A_DAY,
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


@pytest.fixture
def world_of(local: Workspace) -> Callable[..., World]:
    """A function that returns a filled world: January unserved, February served, March decided."""

    def build(kind: str, refused: Sequence[str] = (), unlabelled: Sequence[str] = ()) -> World:
        world = World(local, PARCELS.parcels(kind))
        names = pa.table({"region": list(PARCELS.REGIONS), "name": ["East <side>", "North", "South"]})
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


@pytest.fixture
def watched(world_of: Callable[..., World], begin: Callable[..., Workspace], february: list[str]) -> World:
    """The binary world with every day of February measured."""

    def live() -> None:
        world = world_of("binary")
        for day in february[::7]:
            monitor_partition(world.workspace, world.usecase, day, world.run)

    return World(begin("watched", live), PARCELS.parcels())
