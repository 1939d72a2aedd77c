"""What the operators of all links share: one partition in, one function of `catena.chain`, asset events out.

What a single link needs belongs in its own operator.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.run import Outcome, Run
from catena_airflow.faults import final_faults_fail
from catena_airflow.partition_run import (
    FROM_RUN,
    Grain,
    announce,
    as_json,
    extra_of,
    partitions_to_announce,
    resolve_partition,
    run_of,
)
from catena_airflow.tags import Link

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class LinkOperator(BaseOperator):
    """Runs a link for the partition of its run.

    Skips with the chain's own sentence where nothing changed or inputs are missing, so that nothing downstream runs.

    Args:
        usecase: name of the use case.
        partition: key of the partition; by default that of the run, or the parameter `partition`.
    """

    template_fields: Sequence[str] = ("partition",)
    link: ClassVar[Link]
    grain: ClassVar[Grain] = "day"

    def __init__(self, *, usecase: str, partition: str = FROM_RUN, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.usecase = usecase
        self.partition = partition

    @abstractmethod
    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""

    def final_faults(self) -> tuple[type[Exception], ...]:
        """Return the link's own faults that no retry mends."""
        return ()

    def key(self, usecase: UseCase) -> str:
        """Return the partition key of this run."""
        return resolve_partition(self.partition, self.grain, usecase.calendar)

    def assets(self) -> list[Asset]:
        """Return the assets among the outlets, without aliases."""
        return [outlet for outlet in self.outlets if isinstance(outlet, Asset)]

    def emissions(self, partitions: Sequence[str]) -> dict[Asset, Sequence[str]]:
        """Return which asset hears of which partitions."""
        return dict.fromkeys(self.assets(), partitions)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the link, tell downstream, and return the outcome as JSON."""
        from catena.chain.watching.cost import record_cost
        from catena.workspace import Workspace

        usecase = declared_usecase(self.usecase)
        key = self.key(usecase)
        workspace, run = Workspace(), run_of(context, self.usecase, self.link)
        with final_faults_fail(self.final_faults()):
            outcome = self.act(workspace, usecase, key, run)
        record_cost(workspace, run, key, outcome)
        self.log.info("%s %s: %s, %s", self.link, key, outcome.status, outcome.reason)
        self.announce(context, outcome)
        return dict(as_json(outcome.as_dict()))

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Record the asset events of an outcome.

        Raises:
            AirflowSkipException: there is nothing that downstream must hear of.
        """
        partitions = partitions_to_announce(outcome, context["ti"].try_number)
        if not partitions:
            raise AirflowSkipException(f"{outcome.status}: {outcome.reason}")
        announce(context, self.emissions(partitions), extra_of(outcome))
