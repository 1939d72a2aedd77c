"""Starts what follows from a change of what serves that was entered past Airflow: promotion looks again, then scoring.

A DAG tells its followers by asset events; the command line has none and asks for the runs themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from catena.platform.api import AirflowApi, ApiRefused
from catena.platform.errors import NotRunning
from catena.settings import Settings


def follow_up(settings: Settings, usecase: str, *, months: Sequence[str], decided: str) -> tuple[list[str], str | None]:
    """Return the runs that were started, and what is left to do where Airflow does not run or refuses one.

    The change stands in the ledger in any case: without a run of today, the next one follows it.

    Args:
        months: months whose days may be scored anew.
        decided: training month from which on decisions may be overtaken.
    """
    started: list[str] = []
    try:
        with AirflowApi(settings) as api:
            for link, key in (("promote", decided), *(("score", month) for month in months)):
                api.trigger(f"{usecase}.{link}", partition_key=key)
                started.append(f"{usecase}.{link} {key}")
    except NotRunning:
        return started, "Airflow does not run: the ledger holds the change, and the next run of score follows it."
    except ApiRefused as error:
        return started, f"The ledger holds the change, but Airflow refused a run: {error}. Trigger score by hand."
    return started, None
