"""Faults that a retry cannot mend end a task at once, so that a bad day makes one failure and not a storm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from catena.partitions import InvalidPartition


@contextmanager
def final_faults_fail() -> Iterator[None]:
    """Turn faults of the data, the declaration or the partition into `AirflowFailException`; let others be retried."""
    from catena.chain.ingest import DeliveryRefused
    from catena.lake import SchemaMismatch, UndeclaredChange
    from catena.run import RowsLost

    try:
        yield
    except (DeliveryRefused, InvalidPartition, SchemaMismatch, UndeclaredChange, RowsLost) as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
