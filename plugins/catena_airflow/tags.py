"""The closed vocabulary of DAG tags: the link's role, its rhythm, and the use case or the platform."""

from __future__ import annotations

from typing import Literal, get_args

from catena.declaration import UseCase

Link = Literal[
    "reference", "ingest", "features", "train", "promote", "score", "monitor", "report", "stream", "reconcile",
    "maintain", "rollback", "explore", "search", "backtest",
]  # fmt: skip
Role = Literal["data-engineer", "data-scientist", "mlops-engineer", "ml-engineer", "analyst", "report-writer"]
Rhythm = Literal["each-minute", "daily", "monthly", "on-demand"]

LINKS: tuple[Link, ...] = get_args(Link)
ROLES: tuple[Role, ...] = get_args(Role)
RHYTHMS: tuple[Rhythm, ...] = get_args(Rhythm)
PLATFORM = "platform"
"""Stands for all use cases: in ids of DAGs as `platform.maintain`, and as a tag in place of theirs."""


def usecase_tag(usecase: UseCase) -> str:
    """Return the tag of a use case."""
    return f"usecase:{usecase.name}"


def tags(usecase: UseCase | None, role: Role, rhythm: Rhythm) -> list[str]:
    """Return the tags of a link's DAG; without a use case, of one that serves all of them."""
    whose = PLATFORM if usecase is None else usecase_tag(usecase)
    return ["catena", whose, f"role:{role}", f"rhythm:{rhythm}"]


def vocabulary(usecases: tuple[UseCase, ...]) -> set[str]:
    """Return all tags that a DAG may carry."""
    return {
        "catena",
        PLATFORM,
        *(usecase_tag(usecase) for usecase in usecases),
        *(f"role:{role}" for role in ROLES),
        *(f"rhythm:{rhythm}" for rhythm in RHYTHMS),
    }
