"""The index page: all reports and model cards of all use cases, newest first.

Which there are belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catena.reports.page import ENVIRONMENT


@dataclass(frozen=True)
class Listed:
    """A report or a model card in the index: its month, headline, and address relative to the index page.

    Attributes:
        name: of the version that a card is about; empty for a report.
    """

    month: str
    headline: str
    href: str
    name: str = ""


def index_page(reports: Mapping[str, Sequence[Listed]], cards: Mapping[str, Sequence[Listed]]) -> str:
    """Return the page that leads to every report and every model card.

    Args:
        reports: reports by the title of their use case.
        cards: model cards by the title of their use case.
    """
    return ENVIRONMENT.get_template("index.html").render(reports=_ordered(reports), cards=_ordered(cards))


def _ordered(listed: Mapping[str, Sequence[Listed]]) -> dict[str, list[Listed]]:
    return {
        title: sorted(items, key=lambda item: (item.month, item.name), reverse=True)
        for title, items in sorted(listed.items())
    }
