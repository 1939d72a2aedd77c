"""The operator that raises alarms and asks for the trainings that they call for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseNotifier

from catena.declaration import UseCase
from catena.run import Outcome, Run
from catena_airflow.notifiers.alarm import AlarmNotifier, alarm_message
from catena_airflow.operators.link import LinkOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from catena.workspace import Workspace


class RaiseAlarmsOperator(LinkOperator):
    """Confirms and clears alarms from the measured days; usually it skips, since no training is asked for.

    Args:
        retraining: asset that hears of the day at whose end a training is asked for.
        notifier: makes, of a message, who tells people of newly confirmed alarms.
    """

    link = "monitor"
    grain = "day or month"

    def __init__(
        self, *, retraining: Asset, notifier: Callable[..., BaseNotifier] = AlarmNotifier, **kwargs: Any
    ) -> None:
        super().__init__(outlets=[retraining], **kwargs)
        self.notifier = notifier

    def act(self, workspace: Workspace, usecase: UseCase, key: str, run: Run) -> Outcome:
        """Call the link's function."""
        from catena.chain.watching.alarms import raise_alarms

        return raise_alarms(workspace, usecase, run)

    def announce(self, context: Context, outcome: Outcome) -> None:
        """Tell people of confirmed alarms, and training of the day that is asked for.

        Raises:
            AirflowSkipException: no training is asked for.
        """
        if confirmed := outcome.details.get("confirmed"):
            self.notifier(message=alarm_message(self.usecase, confirmed))(context)
        super().announce(context, outcome)
