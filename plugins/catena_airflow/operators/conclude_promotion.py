"""The operator that concludes promotions, the last task of the link `promote`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from catena.declaration import UseCase
from catena.partitions import days_of, is_day, month_of, shift_month
from catena.run import Outcome, Run
from catena_airflow.assets import RareHint
from catena_airflow.operators.link import LinkOperator
from catena_airflow.partition_run import announce, extra_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class ConcludePromotionOperator(LinkOperator):
    """Follows the answer that a person gave, and tells of all decisions of its run.

    Args:
        champion: asset that hears of the month in which a decision takes effect.
        decision: asset that hears of the month in which the training was cut.
        due: hint that another month waits for a decision now, so that a run asks for it.
    """

    link = "promote"
    grain = "day or month"

    def __init__(self, *, champion: Asset, decision: Asset, due: RareHint, **kwargs: Any) -> None:
        super().__init__(outlets=[champion, decision, due.alias], **kwargs)
        self.champion = champion
        self.decision = decision
        self.due = due

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.deciding.promote import conclude_promotion

        return conclude_promotion(workspace, usecase, key, run)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Tell what was decided; where the next month waits for approval, have another run of this link ask for it.

        Raises:
            AirflowSkipException: there is nothing that anybody must hear of.
        """
        waits_for = outcome.details.get("waits_for")
        if waits_for is None:
            super().announce(context, outcome)
            return
        context["outlet_events"][self.due.alias].add(self.due.asset, extra={"waits_for": waits_for})
        announce(context, self.emissions(outcome.partitions), extra_of(outcome))

    def emissions(self, partitions: Sequence[str]) -> dict[Asset, Sequence[str]]:
        """Return the months of effect for the champion, those of the trainings for the decision."""
        effects = sorted({month_of(days_of(key)[0]) for key in partitions})
        # The day after a training off schedule lies in the same month: the last day of one is the month's own training.
        trained = sorted({month_of(key) if is_day(key) else shift_month(key, -1) for key in partitions})
        return {self.champion: effects, self.decision: trained}
