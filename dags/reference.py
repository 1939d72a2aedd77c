"""Lands the reference data, which is delivered whole: versioned, without partitions.

Features wait for it, so run it before the first backfill, and again when the upstream system has a new delivery.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import clean_tables
from catena_airflow.link_dag import link_dag
from catena_airflow.operators.refresh_references import RefreshReferencesOperator
from catena_airflow.schedules import whenever_delivered

for usecase in declared_usecases():
    with link_dag(
        usecase, "reference", schedule=whenever_delivered(usecase), role="data-engineer", rhythm="on-demand",
        doc=__doc__, is_paused_upon_creation=True,
    ):  # fmt: skip
        RefreshReferencesOperator(
            task_id="refresh_references", usecase=usecase.name,
            outlets=[asset for dataset in usecase.reference_datasets for asset in clean_tables(usecase, dataset)],
        )  # fmt: skip
