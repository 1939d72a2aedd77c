"""Brings the clean tables up to the events that wait at the broker.

Runs each minute, and as soon as the watcher in the triggerer sees events wait. Where a log is read next stands in the
table that keeps its records, in the same commit: a run that is killed anywhere is completed by the next one, nothing is
lost and nothing doubled. Downstream hears of exactly the days that changed. Days whose files have been ingested are
closed: their events are kept and compared by the reconciliation. Unpause it where producers publish; Airflow starts its
watcher when it reads this file the next time, minutes later, or at once by `Reparse DAG`. Trigger it by hand with
limits, or with the time at which a log is read that was never read before.
"""

from __future__ import annotations

from catena.declared import declared_usecases
from catena_airflow.assets import milestone
from catena_airflow.link_dag import link_dag, stream_deadline, stream_params
from catena_airflow.operators.drain_streams import DrainStreamsOperator
from catena_airflow.schedules import each_minute_or_lag

for usecase in declared_usecases():
    if not usecase.streams:
        continue
    with link_dag(
        usecase, "stream", schedule=each_minute_or_lag(usecase), role="data-engineer", rhythm="each-minute",
        doc=__doc__, is_paused_upon_creation=True, params=stream_params(), deadline=stream_deadline(usecase),
    ):  # fmt: skip
        DrainStreamsOperator(task_id="drain_streams", usecase=usecase.name, outlets=[milestone(usecase, "clean")])
