"""The operator of the link `explore`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from catena.declaration import UseCase
from catena.partitions import InvalidPartition, is_day, month_of, period_key
from catena.run import Outcome, Run
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class ExploreTablesOperator(LinkOperator):
    """Explores the tables of a month, or of the range of days that a run from the UI asks for.

    After a training off schedule it is the month up to the day of the training.

    Args:
        from_day: first day of a range; empty: the month of the run.
        to_day: last day of the range.
        tables: names of tables, by comma; empty: all.
    """

    template_fields: Sequence[str] = ("partition", "from_day", "to_day", "tables")
    link = "explore"
    grain = "day or month"

    def __init__(
        self,
        *,
        from_day: str = "{{ '' if dag_run.partition_key else params.get('from_day') or '' }}",
        to_day: str = "{{ '' if dag_run.partition_key else params.get('to_day') or '' }}",
        tables: str = "{{ '' if dag_run.partition_key else (params.get('tables') or []) | join(',') }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.from_day = from_day
        self.to_day = to_day
        self.tables = tables

    def key(self, usecase: UseCase) -> str:
        """Return the month of this run, or the range of days that it asks for."""
        if not (self.from_day or self.to_day):
            key = super().key(usecase)
            return period_key(f"{month_of(key)}-01", key) if is_day(key) else key
        if not (self.from_day and self.to_day) or self.from_day > self.to_day:
            raise AirflowFailException(
                f"from_day {self.from_day!r} and to_day {self.to_day!r} are no range: give both, the earlier one first"
            )
        try:
            return period_key(self.from_day, self.to_day)
        except InvalidPartition as error:
            raise AirflowFailException(str(error)) from error

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.exploring.explore import explore

        return explore(workspace, usecase, key, run, [name for name in self.tables.split(",") if name])

    def final_faults(self) -> tuple[type[Exception], ...]:
        """Return the faults that no retry mends."""
        from catena.chain.exploring.explore import UnknownTable

        return (UnknownTable,)
