"""The policy of all DAGs in one place: ids, tags, owner, retries, timeouts, parameters, deadline.

When a DAG runs belongs in `schedules`, what its tasks do in `operators`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from catena.declaration import UseCase
from catena_airflow.schedules import first_run
from catena_airflow.tags import PLATFORM, Link, Rhythm, Role, tags

TRAINING_POOL = "training"
# Wall time from queueing to the end; a day that needs longer is late for those who wait for its predictions.
DAILY_DEADLINE = timedelta(hours=2)

DAY = r"\d{4}-\d{2}-\d{2}"
MONTH = r"\d{4}-\d{2}"

DEFAULTS = {
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(minutes=30),
}


def link_dag(
    usecase: UseCase,
    link: Link,
    *,
    schedule: Any,
    role: Role,
    rhythm: Rhythm,
    doc: str | None,
    **options: Any,
) -> DAG:
    """Return the DAG of a link of a use case, to be filled in a `with` block.

    Args:
        usecase: declaration.
        link: names the DAG `<usecase>.<link>`.
        schedule: timetable.
        role: who owns the link.
        rhythm: how often it runs.
        doc: docstring of the DAG file; it becomes the DAG's page.
        options: what differs from the policy.
    """
    return DAG(
        dag_id=f"{usecase.name}.{link}",
        dag_display_name=f"{usecase.title}: {link}",
        description=(doc or "").strip().splitlines()[0],
        doc_md=f"# {usecase.title}: {link}\n\n{doc}\n\n**Question.** {usecase.question}\n",
        schedule=schedule,
        start_date=first_run(usecase),
        catchup=False,
        tags=tags(usecase, role, rhythm),
        default_args={**DEFAULTS, "owner": role},
        **{"max_active_runs": 1, "is_paused_upon_creation": False, **options},
    )


def platform_dag(
    link: Link, *, schedule: Any, start: datetime, role: Role, rhythm: Rhythm, doc: str | None, **options: Any
) -> DAG:
    """Return the DAG of a link that serves all use cases, `platform.<link>`, to be filled in a `with` block.

    Args:
        link: names the DAG.
        schedule: timetable.
        start: any instant in the past.
        role: who owns the link.
        rhythm: how often it runs.
        doc: docstring of the DAG file; it becomes the DAG's page.
        options: what differs from the policy.
    """
    return DAG(
        dag_id=f"{PLATFORM}.{link}",
        dag_display_name=f"Platform: {link}",
        description=(doc or "").strip().splitlines()[0],
        doc_md=f"# Platform: {link}\n\n{doc}",
        schedule=schedule,
        start_date=start,
        catchup=False,
        tags=tags(None, role, rhythm),
        default_args={**DEFAULTS, "owner": role},
        **{"max_active_runs": 1, "is_paused_upon_creation": False, **options},
    )


def day_param() -> dict[str, Param]:
    """Return the parameter of a daily link, for runs from the UI."""
    return {"partition": _param("Day to run for, as 2013-01-05. A run that has a partition key ignores it.", DAY)}


def range_params() -> dict[str, Param]:
    """Return the parameters of ingest, for runs from the UI."""
    last = "Last day of a range that begins with `partition`; the range is landed in one pass. Empty: one day."
    return {**day_param(), "last_partition": _param(last, DAY)}


def stream_params() -> dict[str, Param]:
    """Return the parameters of the stream link, for runs from the UI."""
    start = (
        "Instant from which a log is read, with its zone, as 2026-01-05T06:00:00Z. It holds only for a log that was "
        "never read, and from then on; one that was read goes on where its table stands, and the task's log says so. "
        "While this DAG is paused, `catena stream drain --from-time` sets it. Empty: all of it."
    )
    return {
        "batch": Param(10_000, type="integer", minimum=1, description="Records of one commit."),
        "most": Param(
            None, type=["null", "integer"], minimum=1, description="Records of one log partition. Empty: all."
        ),
        "start_at": Param(None, type=["null", "string"], format="date-time", description=start),
    }


def maintain_params() -> dict[str, Param]:
    """Return the parameters of the upkeep, for runs from the UI."""
    hours = "How many hours replaced files of raw and event tables are kept. Empty: CATENA_VACUUM_RETENTION_HOURS."
    return {"retention_hours": Param(None, type=["null", "integer"], minimum=1, description=hours)}


def month_param() -> dict[str, Param]:
    """Return the parameter of a monthly link, for runs from the UI."""
    return {"partition": _param("Month to run for, as 2013-01. A run that has a partition key ignores it.", MONTH)}


def training_param() -> dict[str, Param]:
    """Return the parameter of training and promotion, for runs from the UI."""
    what = (
        "Month to run for, as 2013-01; or the day of a training off schedule, as 2013-03-14: it is trained on all that "
        "is known at the end of the day, and decided on for the days after it."
    )
    return {"partition": _param(what, f"({DAY}|{MONTH})")}


def explore_params(usecase: UseCase) -> dict[str, Param]:
    """Return the parameters of an exploration, for runs from the UI."""
    tables = "Tables to explore; leakage is looked for with the feature table. Empty: all."
    names = [table.name for table in usecase.tables]
    return {
        **month_param(),
        "from_day": _param("First day of a range, as 2013-02-05, in place of the month.", DAY),
        "to_day": _param("Last day of the range, included.", DAY),
        "tables": Param(None, type=["null", "array"], items={"type": "string"}, examples=names, description=tables),
    }


def rollback_params() -> dict[str, Param]:
    """Return the parameters of a rollback, for runs from the UI."""
    version = "Version to go back to, as flight_delays/3. Empty: the last one that served before."
    return {
        "reason": Param("", type="string", minLength=1, description="Why; kept in the ledger with who and when."),
        "to_version": Param(None, type=["null", "string"], description=version),
        "from_day": _param("First day that it serves, as 2013-03-05. Empty: the first that is not scored yet.", DAY),
    }


def backtest_params(usecase: UseCase) -> dict[str, Param]:
    """Return the parameters of a backtest, for runs from the UI."""
    plan = "TOML file on the worker that declares what is compared. Empty: backtest.toml of the use case."
    last = Param(
        usecase.calendar.last or "", type="string", pattern=f"^{DAY}$", description="Last day, as 2013-12-31; included."
    )
    return {
        "from_day": _param("First day, as 2013-01-01. Empty: the first of the calendar.", DAY),
        "to_day": last,
        "policy": Param(None, type=["null", "string"], description=plan),
    }


def day_or_month_param() -> dict[str, Param]:
    """Return the parameter of scoring and monitoring, for runs from the UI."""
    return {"partition": _param("Day (2013-02-01) or whole month (2013-02) to run for.", f"({DAY}|{MONTH})")}


def daily_deadline() -> DeadlineAlert:
    """Return the alert of the daily chain: a day that is not ingested in time is said aloud and noted."""
    return DeadlineAlert(
        name="day is late",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=DAILY_DEADLINE,
        callback=SyncCallback("catena_airflow.deadline.note_late_day"),
    )


def stream_deadline(usecase: UseCase) -> DeadlineAlert:
    """Return the alert of the streams: a run that takes longer than an event may wait is said aloud and noted.

    A run that ends says itself how far behind its streams are; this speaks for the one that hangs.
    """
    return DeadlineAlert(
        name="stream is late",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=min(stream.lag_limit_minutes for stream in usecase.streams)),
        callback=SyncCallback("catena_airflow.deadline.note_late_day"),
    )


def _param(description: str, pattern: str) -> Param:
    return Param(None, type=["null", "string"], pattern=f"^{pattern}$", description=description)
