"""The operator of a backtest that a person asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from catena.declared import declared_usecase
from catena_airflow.faults import final_faults_fail
from catena_airflow.partition_run import as_json

if TYPE_CHECKING:
    from airflow.sdk import Context


class BacktestPoliciesOperator(BaseOperator):
    """Compares the declared policies over past days; a retry goes on with those that were not done yet.

    Args:
        usecase: name of the use case.
        from_day: first day; empty: the first of the calendar.
        to_day: last day.
        policy: TOML file of what is compared; empty: that of the use case.
    """

    template_fields: Sequence[str] = ("from_day", "to_day", "policy")

    def __init__(
        self,
        *,
        usecase: str,
        from_day: str = "{{ params.from_day or '' }}",
        to_day: str = "{{ params.to_day }}",
        policy: str = "{{ params.policy or '' }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.usecase = usecase
        self.from_day = from_day
        self.to_day = to_day
        self.policy = policy

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the backtest, and return its headline and where its page is."""
        from pathlib import Path

        from catena.backtest.compare import Asked, RangeRefused, backtest
        from catena.backtest.plan import PlanRefused, plan_of
        from catena.backtest.tables import DaysMissing
        from catena.workspace import Workspace

        usecase = declared_usecase(self.usecase)
        with final_faults_fail((PlanRefused, RangeRefused, DaysMissing)):
            plan = plan_of(usecase, Path(self.policy) if self.policy else None)
            asked = Asked(self.from_day or usecase.calendar.first, self.to_day, plan)
            found = backtest(Workspace(), usecase, asked, self.log.info)
        self.log.info(found.headline)
        return dict(as_json({"headline": found.headline, "page": found.page, "picture": found.picture}))
