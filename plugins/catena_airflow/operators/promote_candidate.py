"""The operator of the link `promote`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from catena.declaration import UseCase
from catena.partitions import shift_month
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class PromoteCandidateOperator(LinkOperator):
    """Decides what serves in the month after the training month.

    Args:
        champion: asset that hears of the month in which the decision takes effect.
        decision: asset that hears of the training month.
    """

    link = "promote"
    grain = "month"

    def __init__(self, *, champion: Asset, decision: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[champion, decision], **kwargs)
        self.champion = champion
        self.decision = decision

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.promote import promote_candidate

        return promote_candidate(workspace, usecase, key, run)

    def emissions(self, partitions: Sequence[str]) -> dict[Asset, Sequence[str]]:
        """Return the months of effect for the champion, the training months for the decision."""
        return {self.champion: partitions, self.decision: [shift_month(month, -1) for month in partitions]}
