"""The operator of the link `promote`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from catena.declaration import UseCase
from catena.partitions import days_of, is_day, month_of, shift_month
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class PromoteCandidateOperator(LinkOperator):
    """Decides what serves in the month after the training month, or from the day after a training off schedule on.

    Args:
        champion: asset that hears of the month in which the decision takes effect.
        decision: asset that hears of the month in which the training was cut.
    """

    link = "promote"
    grain = "day or month"

    def __init__(self, *, champion: Asset, decision: Asset, **kwargs: Any) -> None:
        super().__init__(outlets=[champion, decision], **kwargs)
        self.champion = champion
        self.decision = decision

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.promote import promote_candidate

        return promote_candidate(workspace, usecase, key, run)

    def emissions(self, partitions: Sequence[str]) -> dict[Asset, Sequence[str]]:
        """Return the months of effect for the champion, the months of the trainings for the decision."""
        effects = sorted({month_of(days_of(key)[0]) for key in partitions})
        # The day after a training off schedule lies in the same month: the last day of one is the month's own training.
        trained = sorted({month_of(key) if is_day(key) else shift_month(key, -1) for key in partitions})
        return {self.champion: effects, self.decision: trained}
