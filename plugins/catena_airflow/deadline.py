"""What happens when the daily chain or a stream misses its deadline: an error in the log and a note in the ledger."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

log = logging.getLogger(__name__)


def note_late_day(context: dict[str, Any], **_: Any) -> None:
    """Say aloud and note in the ledger that a day is late, or a run of a stream, which has no day.

    Args:
        context: `dag_run` and `deadline` as Airflow hands them to deadline callbacks.
    """
    from catena.run import Run
    from catena.workspace import Workspace

    dag_run, deadline = context["dag_run"], context["deadline"]
    usecase, _dot, link = dag_run["dag_id"].partition(".")
    partition = dag_run.get("partition_key") or "none"
    due = deadline["deadline_time"]
    log.error("%s of %s is late: partition %s was due at %s", link, usecase, partition, due)
    Workspace().ledger.append(
        Run(usecase, link, dag_run["dag_run_id"]),
        kind="note",
        subject="deadline",
        partition=partition,
        decision="LATE",
        effective_at=due if isinstance(due, datetime) else datetime.fromisoformat(due),
        payload={"link": link, "run": dag_run["dag_run_id"], "due": str(due)},
    )
