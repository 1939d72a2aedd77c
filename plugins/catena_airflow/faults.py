"""Faults that a retry cannot mend end a task at once, so that a bad day makes one failure and not a storm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from catena.partitions import InvalidPartition
from catena.run import RowsLost


@contextmanager
def final_faults_fail(also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn faults of the data, the declaration or the partition into `AirflowFailException`; let others be retried.

    Args:
        also: the link's own faults that no retry mends.
    """
    from catena.lake import SchemaMismatch, UndeclaredChange

    final: tuple[type[Exception], ...] = (InvalidPartition, RowsLost, SchemaMismatch, UndeclaredChange, *also)
    try:
        yield
    except final as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
