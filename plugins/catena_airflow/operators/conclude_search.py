"""The operators that end the link `search`: with a decision, or as broken down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class ConcludeSearchOperator(LinkOperator):
    """Decides whether the best of all families replaces the recipe in force, and tells training.

    Later months that waited for this one, because their days came first, are searched here as well, one after the
    other: that is rare, and their own runs are over.

    Args:
        found: what was found in each family.
    """

    template_fields: Sequence[str] = ("partition", "found")
    link = "search"
    grain = "month"

    def __init__(self, *, found: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.found = found

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's functions."""
        from catena.chain.training.search import conclude_search, search_what_waits

        outcome = conclude_search(workspace, usecase, list(self.found), run)
        later = search_what_waits(workspace, usecase, key, run)
        # Also what was concluded by hand meanwhile: that told nobody.
        return replace(outcome, status="published", partitions=(*outcome.partitions, *later))


class FailSearchOperator(LinkOperator):
    """Records that a search broke down for good, and tells training, which then takes the recipe in force."""

    link = "search"
    grain = "month"

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.training.search import fail_search

        return fail_search(workspace, usecase, key, run)
