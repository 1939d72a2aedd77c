"""Commands on promotions that wait for a person: list, answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from catena.cli.terminal import AsJson, console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.declaration import UseCase
    from catena.workspace import Workspace

app = typer.Typer(help="Promotions that a person must approve.", no_args_is_help=True)


@app.command("list")
def list_questions(
    usecase: Annotated[str | None, typer.Argument(help="Only this use case.")] = None, as_json: AsJson = False
) -> None:
    """List what people were asked to approve, and what they answered.

    [bold]Example[/]

      catena approvals list flight_delays
    """
    from catena.declared import declared_usecase, declared_usecases
    from catena.workspace import Workspace

    workspace = Workspace()
    declared = [declared_usecase(usecase)] if usecase else declared_usecases()
    rows = [row for each in declared for row in _questions(workspace, each)]
    if as_json:
        print_json(rows)
        return
    columns = ("use case", "month", "challenger", "instead of", "state", "asked at", "why")
    print_rows("Approvals", columns, [[row[name] for name in columns] for row in rows])


@app.command()
def answer(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    month: Annotated[str, typer.Argument(help="Month in which the promotion would take effect, as 2013-02.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger with who and when.")],
    is_approved: Annotated[bool, typer.Option("--approve/--refuse", help="May it serve?", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Approve or refuse a promotion that waits, through Airflow; the ledger keeps who, when and why.

    [bold]Examples[/]

      catena approvals answer flight_delays 2013-02 --approve --reason "agreed with operations"

      catena approvals answer flight_delays 2013-02 --refuse --reason "holidays ahead"
    """
    from getpass import getuser

    from catena.chain.deciding.approval import open_question, question_on
    from catena.declared import declared_usecase
    from catena.platform.api import AirflowApi
    from catena.platform.approvals import answer_question
    from catena.settings import settings
    from catena.workspace import Workspace

    declared, ledger = declared_usecase(usecase), Workspace().ledger
    waiting = open_question(ledger, declared)
    if waiting is None or waiting.month != month:
        there = f"{waiting.month} does" if waiting else "nothing does"
        raise usage_error(f"no promotion of {usecase} for {month} waits for approval; {there}")
    if not reason.strip():
        raise usage_error("give a reason: whoever reads the ledger will ask for it")
    with AirflowApi(settings()) as api:
        run = answer_question(
            api, usecase, is_approved=is_approved, reason=reason, on_behalf_of=f"os:{getuser()}"
        )  # fmt: skip
    question = question_on(ledger, declared, month)
    said = question.answer.sentence() if question and question.answer else "the ledger holds no answer yet"
    if as_json:
        print_json({"usecase": usecase, "month": month, "run": run, "answer": said})
        return
    console().print(said, highlight=False, markup=False)


def _questions(workspace: Workspace, usecase: UseCase) -> list[dict[str, Any]]:
    """Return a row for each question of a use case, in the order in which they were asked."""
    from catena.chain.deciding.approval import open_question, questions_of

    waiting = open_question(workspace.ledger, usecase)
    rows = []
    for question in questions_of(workspace.ledger, usecase):
        verdict, answered = question.verdict, question.answer
        is_waiting = waiting is not None and waiting.asked.id == question.asked.id
        rows.append({
            "use case": usecase.name, "month": question.month, "challenger": verdict["challenger"]["model_version"],
            "instead of": verdict["incumbent"],
            "state": answered.said if answered else "WAITS" if is_waiting else "CLOSED",
            "asked at": question.asked.recorded_at,
            "why": answered.sentence() if answered else question.asked.payload["reason"],
        })  # fmt: skip
    return rows
