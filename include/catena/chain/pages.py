"""Pages as files: written in one step, and the index that leads to all of them.

What a page says belongs in `catena.reports`, when it is issued in the links.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from catena.chain.exclusive import exclusively
from catena.declared import declared_usecases
from catena.governance import Entry
from catena.reports import Listed, index_page
from catena.workspace import Workspace

# The ledger's subject of a monthly report, and how that of a card begins.
MONTHLY, CARD = "monthly", "card "


def write_index(workspace: Workspace) -> Path:
    """Write the page that lists every page of every use case; return where."""
    # Two links may issue at once: the one that writes last must have seen what the other entered.
    with exclusively(workspace.engine, ("pages", "index")):
        return _write_index(workspace)


def write_page(path: Path, text: str) -> None:
    """Replace a file in one step; a file with the same bytes is left alone."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _write_index(workspace: Workspace) -> Path:
    ledger = workspace.ledger
    issued = ledger.entries(kind="report")
    reports = [entry for entry in issued if entry.subject == MONTHLY]
    cards = [entry for entry in issued if entry.subject.startswith(CARD)]
    path = workspace.settings.pages / "index.html"
    explored = ledger.entries(kind="exploration")
    # A selection that could not be judged has no page.
    selected = [entry for entry in ledger.entries(kind="selection") if entry.payload["path"]]
    kinds = {
        "Reports": reports, "Model cards": cards, "Explorations": explored, "Features selected": selected,
        "Age of models": ledger.entries(kind="staleness"), "Backtests": ledger.entries(kind="backtest"),
        "Score cards": ledger.entries(kind="score-card"),
    }  # fmt: skip
    write_page(path, index_page({kind: _listed(entries) for kind, entries in kinds.items()}))
    return path


def _listed(entries: Sequence[Entry]) -> dict[str, list[Listed]]:
    """Return what the index says of pages, by the title of their use case; of a page the last entry stands."""
    titles = {usecase.name: usecase.title for usecase in declared_usecases()}
    last = {entry.payload["path"]: entry for entry in entries}
    listed: dict[str, list[Listed]] = {}
    for path, entry in last.items():
        name = entry.subject.removeprefix(CARD) if entry.subject.startswith(CARD) else ""
        listed.setdefault(titles.get(entry.usecase, entry.usecase), []).append(
            Listed(entry.partition, entry.payload["headline"], path, name)
        )
    return listed
