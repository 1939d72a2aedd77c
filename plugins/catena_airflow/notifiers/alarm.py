"""Tells people of confirmed alarms: in the task's log as an error. The ledger has them in any case.

A notifier of a provider (mail, Slack, PagerDuty) takes its place in `dags/monitor.py`: `notifier(message=...)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlarmNotifier(BaseNotifier):
    """Writes a message to the log as an error.

    Args:
        message: what to tell.
    """

    template_fields: Sequence[str] = ("message",)

    def __init__(self, *, message: str) -> None:
        super().__init__()
        self.message = message

    def notify(self, context: Context) -> None:
        """Say it."""
        self.log.error(self.message)


def alarm_message(usecase: str, confirmed: Sequence[Mapping[str, Any]]) -> str:
    """Return what people are told of confirmed alarms."""
    told = "; ".join(f"{alarm['subject']} since {alarm['since']}, {alarm['days']} days in a row" for alarm in confirmed)
    return f"{usecase}: confirmed {told}. See `catena ledger {usecase}` and the month's report."
