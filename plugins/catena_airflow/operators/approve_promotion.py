"""The operator that asks a person to approve a promotion, a task of the link `promote`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.execution_time.hitl import HITLUser

from catena.declared import declared_usecase
from catena_airflow.partition_run import as_json, run_of
from catena_airflow.views import PREFIX

if TYPE_CHECKING:
    from airflow.sdk import Context

# Until the task asks: what the environment declares is read when it runs, not when its DAG is parsed.
_LONGEST = timedelta(days=365)


class ApprovePromotionOperator(ApprovalOperator):
    """Asks whether what the gate would promote may serve, and enters the answer into the ledger.

    It rests in `awaiting_input`, which takes no slot. What follows from the answer, also from a refusal, is the next
    task's work, so unlike its parent it skips nothing.

    Args:
        usecase: name of the use case.
    """

    def __init__(self, *, usecase: str, **kwargs: Any) -> None:
        # Airflow hands the DAG's own parameters on to each task; the form asks for others.
        kwargs.pop("params", None)
        super().__init__(
            subject="A promotion waits for approval", defaults=self.REJECT, response_timeout=_LONGEST,
            params={
                "reason": Param("", type=["null", "string"], description="Why; kept in the ledger with who and when."),
                "on_behalf_of": Param("", type=["null", "string"], description="Leave it empty: `catena approvals "
                                      "answer` names the user of its shell here."),
            },
            **kwargs,
        )  # fmt: skip
        self.usecase = usecase

    def execute(self, context: Context) -> Any:
        """Put the open question to those who may answer it.

        Raises:
            AirflowSkipException: no question is open; a try before this one has had the answer.
        """
        from catena.chain.deciding.approval import body_of, open_question, subject_of
        from catena.workspace import Workspace

        workspace, usecase = Workspace(), declared_usecase(self.usecase)
        asked, question = workspace.settings.approval, open_question(workspace.ledger, usecase)
        if question is None:
            raise AirflowSkipException("no promotion waits for approval")
        self.subject = subject_of(usecase, question)
        self.body = body_of(usecase, question, asked.hours, PREFIX)
        self.response_timeout = timedelta(hours=asked.hours)
        self.assigned_users = [HITLUser(id=name, name=name) for name in asked.approvers] or None
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Enter the answer, or that none came in time."""
        from catena.chain.deciding.approval import Answer, Said, open_question, record_answer
        from catena.workspace import Workspace

        HITLOperator.execute_complete(self, context, event)
        usecase, ledger = declared_usecase(self.usecase), Workspace().ledger
        who, form = event["responded_by_user"], event["params_input"] or {}
        said: Said = "APPROVED" if event["chosen_options"] == [self.APPROVE] else "REFUSED"
        answer = Answer(
            said="EXPIRED" if who is None else said,
            actor=None if who is None else f"airflow:{who['name']}",
            reason=str(form.get("reason") or "").strip(),
            at=event["responded_at"].isoformat(timespec="seconds"),
            on_behalf_of=str(form.get("on_behalf_of") or "").strip() or None,
        )
        question = open_question(ledger, usecase)
        if question is None:
            raise AirflowSkipException(f"no promotion waits for approval any more; the answer was: {answer.sentence()}")
        record_answer(ledger, question, answer, run_of(context, self.usecase, "promote"))
        self.log.info("%s: %s", question.month, answer.sentence())
        return as_json(asdict(answer))
