"""The operator of the link `reference`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.connections import connections_of
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from catena.workspace import Workspace


class RefreshReferencesOperator(LinkOperator):
    """Lands the reference data, which is delivered whole."""

    template_fields: Sequence[str] = ()
    link = "reference"

    def key(self, usecase: UseCase) -> str:
        """Return the key of unpartitioned tables."""
        from catena.lake import WHOLE

        return WHOLE

    def final_faults(self) -> tuple[type[Exception], ...]:
        """Return the fault of a delivery that broke its contract: the same file breaks it again."""
        from catena.chain.ingesting.ingest import DeliveryRefused

        return (DeliveryRefused,)

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.ingesting.ingest import refresh_reference

        return refresh_reference(workspace, usecase, run, connections=connections_of(usecase.reference_datasets))
