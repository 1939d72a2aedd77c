"""Answers, through Airflow's API, the question whether a promotion may take effect.

What is asked and what follows belong in `catena.chain.deciding.approval` and `catena.chain.deciding.promote`; Airflow's
own page of required actions answers the same question.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from catena.platform.api import AirflowApi
from catena.platform.errors import PlatformError

APPROVE, REFUSE = "Approve", "Reject"
_LINK, _TASK = "promote", "approve_promotion"
# A task that has just asked may not rest yet; Airflow lost one of five answers that came within its first second.
_REST_SECONDS = 2.0
_POLL_SECONDS = 0.5


def answer_question(
    api: AirflowApi, usecase: str, *, is_approved: bool, reason: str, on_behalf_of: str, timeout_seconds: float = 60
) -> str:
    """Answer the open question of a use case and wait until its task took the answer; return the run.

    Where Airflow loses the answer, the task asks again and is answered again.

    Raises:
        PlatformError: no task asks, or it did not take the answer in time.
    """
    deadline = time.monotonic() + timeout_seconds
    chosen, form = APPROVE if is_approved else REFUSE, {"reason": reason, "on_behalf_of": on_behalf_of}
    task: dict[str, Any] | None = None
    while time.monotonic() < deadline:
        asking = [each for each in api.questions(f"{usecase}.{_LINK}") if each["task_instance"]["task_id"] == _TASK]
        if asking and task is not None and asking[0]["task_instance"]["dag_run_id"] != task["dag_run_id"]:
            # The next month is asked already, by the run that followed: it has a question of its own.
            return str(task["dag_run_id"])
        if asking:
            rests_since = datetime.fromisoformat(asking[0]["created_at"])
            if (datetime.now(UTC) - rests_since).total_seconds() >= _REST_SECONDS:
                task = dict(asking[0]["task_instance"])
                api.answer(task, chosen, form)
        elif task is not None:
            state = _state(api, task)
            if state == "success":
                return str(task["dag_run_id"])
            if state == "failed":
                break
        time.sleep(_POLL_SECONDS)
    if task is None:
        raise PlatformError(f"no task of {usecase}.{_LINK} asks within {timeout_seconds:.0f} s: trigger "
                            f"{usecase}.{_LINK}, which asks again")  # fmt: skip
    raise PlatformError(f"{_TASK} of run {task['dag_run_id']} did not take the answer; see its log in Airflow")


def _state(api: AirflowApi, task: dict[str, Any]) -> str | None:
    tasks = api.task_instances(task["dag_id"], task["dag_run_id"])
    return next((each["state"] for each in tasks if each["task_id"] == task["task_id"]), None)
