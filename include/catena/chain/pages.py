"""Pages as files: written in one step, and the index that leads to all of them.

What a page says belongs in `catena.reports`, when it is issued in the links.
"""

from __future__ import annotations

import os
from pathlib import Path

from catena.chain.exclusive import exclusively
from catena.declared import declared_usecases
from catena.governance import Entry
from catena.reports import Listed, index_page
from catena.workspace import Workspace

# The ledger's subject of a monthly report, and how that of a card begins.
MONTHLY, CARD = "monthly", "card "


def write_index(workspace: Workspace) -> Path:
    """Write the page that lists every issued report and model card of every declared use case; return where."""
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
    titles = {usecase.name: usecase.title for usecase in declared_usecases()}
    reports: dict[str, dict[str, Listed]] = {}
    cards: dict[str, dict[str, Listed]] = {}
    for entry in workspace.ledger.entries(kind="report"):
        title = titles.get(entry.usecase, entry.usecase)
        # Of what was issued again, the last entry holds.
        if entry.subject == MONTHLY:
            reports.setdefault(title, {})[entry.partition] = _listed(entry)
        elif entry.subject.startswith(CARD):
            cards.setdefault(title, {})[entry.subject] = _listed(entry, entry.subject.removeprefix(CARD))
    path = workspace.settings.pages / "index.html"
    listed = ({title: list(items.values()) for title, items in found.items()} for found in (reports, cards))
    write_page(path, index_page(*listed))
    return path


def _listed(entry: Entry, name: str = "") -> Listed:
    return Listed(entry.partition, entry.payload["headline"], entry.payload["path"], name)
