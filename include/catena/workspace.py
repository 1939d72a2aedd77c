"""One opened installation: its settings, lakes, ledger and database, as the links receive them.

What a link does with them belongs in `catena.chain`.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from catena.database import connect
from catena.declaration import UseCase
from catena.governance import Ledger
from catena.lake import Lake, lake_tables
from catena.settings import Settings, settings


class Workspace:
    """Opens each part of an installation when it is first used."""

    def __init__(self, of: Settings | None = None) -> None:
        self.settings = of or settings()

    @cached_property
    def engine(self) -> Engine:
        """Engine on Catena's own database: ledger and published predictions."""
        return connect(self.settings)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of all use cases."""
        return Ledger(self.engine)

    def lake(self, usecase: UseCase) -> Lake:
        """Return the lake of a use case."""
        root = f"{self.settings.lake_root}/{usecase.name}"
        return Lake(root, lake_tables(usecase), self.settings.lake_storage_options)

    def pages(self, usecase: UseCase, kind: str) -> Path:
        """Return the folder of a use case's HTML pages of a kind (`quality`, `reports`), made if missing."""
        folder = self.settings.pages / usecase.name / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder
