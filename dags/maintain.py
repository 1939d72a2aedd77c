"""Keeps the lake's tables fast and small: compacts small files, sums up logs, deletes files that nobody needs.

Runs daily, after the nights' work, beside whoever reads or writes. Partitions with many small files are rewritten;
rows, identities and positions in logs stay. Old versions of raw and event tables go after the retention
(`CATENA_VACUUM_RETENTION_HOURS`), since all their rows stand in the current ones; all other tables keep every version,
because reports and models are pinned to them. Where a writer was faster, the rest is left to the next night. Trigger
it by hand, with another retention if need be.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.link_dag import maintain_params, platform_dag
from catena_airflow.operators.maintain_tables import MaintainTablesOperator
from catena_airflow.schedules import after_all_nights, first_of_all

with platform_dag(
    "maintain", schedule=after_all_nights(declared_usecases()), start=first_of_all(declared_usecases()),
    role="data-engineer", rhythm="daily", doc=__doc__, params=maintain_params(),
):  # fmt: skip
    for usecase in declared_usecases():
        MaintainTablesOperator(task_id=f"maintain_{usecase.name}", usecase=usecase.name)
