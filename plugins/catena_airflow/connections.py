"""Addresses of the databases that SQL sources name, from Airflow: its own table, a vault, or the environment.

`catena` itself reads the environment only, because it knows no Airflow.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from catena.declaration import Dataset, SqlSource


def connections_of(datasets: Iterable[Dataset]) -> dict[str, str]:
    """Return the address of each connection that the datasets name; one that is unknown is left out.

    Whoever needs a missing one says which it is and how to create it.
    """
    names = {dataset.source.connection for dataset in datasets if isinstance(dataset.source, SqlSource)}
    found = {}
    for name in sorted(names):
        try:
            found[name] = Connection.get(name).get_uri()
        except AirflowNotFoundException:
            continue
    return found
