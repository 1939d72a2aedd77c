"""The operator that searches one family, mapped over the families of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from catena.declared import declared_usecase
from catena_airflow.partition_run import as_json

if TYPE_CHECKING:
    from airflow.sdk import Context


class SearchFamilyOperator(BaseOperator):
    """Tries recipes of one family and returns the trials as JSON; nothing is written before all families are done.

    Args:
        usecase: name of the use case.
        job: what the plan says of the family.
    """

    template_fields: Sequence[str] = ("job",)

    def __init__(self, *, usecase: str, job: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.usecase = usecase
        self.job = job

    def execute(self, context: Context) -> dict[str, Any]:
        """Search the family; each trial is a line of the log."""
        from catena.chain.training.search import search_one
        from catena.workspace import Workspace

        return dict(as_json(search_one(Workspace(), declared_usecase(self.usecase), self.job)))
