"""The operator of a rollback that a person asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from catena.declared import declared_usecase
from catena_airflow.faults import final_faults_fail
from catena_airflow.partition_run import actor_of, announce, as_json, run_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class RollBackModelOperator(BaseOperator):
    """Takes what serves out of service from a day on, in favour of the version before it, or of a named one.

    Args:
        usecase: name of the use case.
        champion: asset that hears of the months whose days are scored anew.
        candidate: asset that hears of the training month from which on decisions may be overtaken.
        to_version: version to go back to; empty: the last one that served before.
        from_day: first day that it serves; empty: the first that is not scored yet.
        reason: why, for the ledger.
    """

    template_fields: Sequence[str] = ("to_version", "from_day", "reason")

    def __init__(
        self,
        *,
        usecase: str,
        champion: Asset,
        candidate: Asset,
        to_version: str = "{{ params.to_version or '' }}",
        from_day: str = "{{ params.from_day or '' }}",
        reason: str = "{{ params.reason }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(outlets=[champion, candidate], **kwargs)
        self.usecase = usecase
        self.champion = champion
        self.candidate = candidate
        self.to_version = to_version
        self.from_day = from_day
        self.reason = reason

    def execute(self, context: Context) -> dict[str, Any]:
        """Enter the rollback, tell scoring and promotion, and return what serves from when."""
        from catena.chain.deploying.redeploy import FINAL_FAULTS, Asked, roll_back
        from catena.workspace import Workspace

        usecase = declared_usecase(self.usecase)
        asked = Asked(actor_of(context), self.reason, self.from_day or None)
        with final_faults_fail(FINAL_FAULTS):
            change = roll_back(
                Workspace(), usecase, self.to_version or None, asked, run_of(context, self.usecase, "rollback")
            )
        self.log.info("%s serves from %s: %s", change.serves["model_version"], change.first, change.reason)
        announce(context, {self.champion: change.months, self.candidate: [change.decided]}, change.as_dict())
        return dict(as_json(change.as_dict()))
