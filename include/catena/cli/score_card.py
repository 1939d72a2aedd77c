"""The command that computes the ML Test Score: score-card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catena.cli.terminal import AsJson, console, print_json, print_rows


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score-card")(score_card)


def score_card(
    usecase: Annotated[str, typer.Argument(help="Declared use case.")],
    out: Annotated[Path | None, typer.Option(help="Write the findings as JSON to this file, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the 28 tests of the ML Test Score from what is on record, and write the page with their proofs.

    [bold]Examples[/]

      catena score-card flight_delays

      catena score-card flight_delays --json --out score.json
    """
    import json
    from uuid import uuid4

    from catena.chain.score_card.card import issue_score_card
    from catena.chain.score_card.card import score_card as computed
    from catena.chain.score_card.evidence import gather
    from catena.declared import declared_usecase
    from catena.run import Run
    from catena.workspace import Workspace

    workspace, declared = Workspace(), declared_usecase(usecase)
    found = computed(gather(workspace, declared)).as_dict()
    issued = issue_score_card(workspace, declared, None, Run(declared.name, "report", f"manual__{uuid4()}"))
    if out is not None:
        out.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if as_json:
        print_json(found | {"path": issued.details["path"]})
        return
    rows = [
        (test, each["name"], f"{each['score']:g}", each["said"], each["todo"]) for test, each in found["tests"].items()
    ]
    print_rows(issued.reason, ("test", "name", "score", "found", "would give it"), rows)
    console().print(f"page: {issued.details['path']}", highlight=False, markup=False)
