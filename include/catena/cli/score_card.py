"""The command that computes the ML Test Score: score-card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catena.cli.terminal import AsJson, console, error_console, print_json, print_rows, usage_error

if TYPE_CHECKING:
    from catena.chain.score_card.card import ScoreCard
    from catena.declaration import UseCase
    from catena.run import Outcome
    from catena.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score-card")(score_card)


def score_card(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    out: Annotated[Path | None, typer.Option(help="Write the findings as JSON to this file, too.")] = None,
    backtest: Annotated[
        str | None, typer.Option(help="Of a policy that a backtest kept (--keep): its days, as 2013-01-01..2013-12-31.")
    ] = None,
    policy: Annotated[str, typer.Option(help="Which policy of the backtest.")] = "monthly",
    as_json: AsJson = False,
) -> None:
    """Compute the 28 tests of the ML Test Score from what is on record, and write the page with their proofs.

    Of a backtest's policy what the chain does beside the way to serving is made up for first, month by month:
    exploration, replay, model cards, the age of models, drills and reports. That takes minutes, and can be taken up.

    [bold]Examples[/]

      catena score-card flight_delays

      catena score-card flight_delays --backtest 2013-01-01..2013-12-31 --policy monthly

      catena score-card flight_delays --json --out score.json
    """
    import json

    from catena.declared import declared_usecase
    from catena.workspace import Workspace

    workspace, declared = Workspace(), declared_usecase(usecase)
    card, issued = _of_backtest(workspace, declared, backtest, policy) if backtest else _here(workspace, declared)
    found = card.as_dict()
    if out is not None:
        out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        print_json(found | {"path": issued.details["path"]})
        return
    rows = []
    for test, each in found["tests"].items():
        remarks = [f"{label}: {each[key]}" for label, key in (("Amiss", "warning"), ("To do", "todo")) if each[key]]
        rows.append((test, each["name"], f"{each['score']:g}", "\n".join([each["said"], *remarks])))
    print_rows(issued.reason, ("test", "name", "score", "found"), rows)
    console().print(f"page: {issued.details['path']}", highlight=False, markup=False)


def _here(workspace: Workspace, usecase: UseCase) -> tuple[ScoreCard, Outcome]:
    """Return the card of this installation."""
    from uuid import uuid4

    from catena.chain.score_card.card import issue_score_card, score_card
    from catena.chain.score_card.evidence import gather
    from catena.run import Run

    card = score_card(gather(workspace, usecase))
    return card, issue_score_card(workspace, usecase, None, Run(usecase.name, "report", f"manual__{uuid4()}"))


def _of_backtest(workspace: Workspace, usecase: UseCase, period: str, policy: str) -> tuple[ScoreCard, Outcome]:
    """Return the card of a policy that a backtest kept."""
    from catena.backtest.evidence import NotKept, card_of_policy
    from catena.backtest.plan import plan_of
    from catena.declaration import Calendar
    from catena.partitions import days_of_period

    span = days_of_period(period)
    known = {each.name: each for each in plan_of(usecase, None).policies}
    if policy not in known:
        raise usage_error(f"the plan of {usecase.name} holds no policy {policy!r}; there are: {', '.join(known)}")
    try:
        with error_console().status("looking at the ledger") as spinner:
            made = card_of_policy(workspace, usecase, Calendar(first=span[0], last=span[-1]), known[policy],
                                  spinner.update)  # fmt: skip
    except NotKept as error:
        raise usage_error(str(error)) from error
    return made.card, made.issued
