"""Starts what follows from a change of what serves that was entered past Airflow: promotion looks again, then scoring.

A DAG tells its followers by asset events; the command line has none and asks for the runs themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from catena.platform.api import AirflowApi
from catena.platform.errors import NotRunning
from catena.settings import Settings


def follow_up(settings: Settings, usecase: str, *, months: Sequence[str], decided: str) -> tuple[list[str], str | None]:
    """Return the runs that were started, and what there is to wait for where Airflow does not run.

    Args:
        months: months whose days may be scored anew.
        decided: training month from which on decisions may be overtaken.
    """
    try:
        with AirflowApi(settings) as api:
            wanted = [("promote", decided), *(("score", month) for month in months)]
            started = [
                f"{usecase}.{link} {key}" for link, key in wanted if api.trigger(f"{usecase}.{link}", partition_key=key)
            ]
    except NotRunning:
        return [], "Airflow does not run: the ledger holds the change, and the next run of score follows it."
    return started, None
