"""The index page: all reports, model cards, explorations and backtests of all use cases, newest first.

Which pages there are belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catena.reports.page import ENVIRONMENT


@dataclass(frozen=True)
class Listed:
    """A page in the index: its month or range of days, headline, and address relative to the index page.

    Attributes:
        name: of the version that a card is about; empty for other pages.
    """

    period: str
    headline: str
    href: str
    name: str = ""


def index_page(
    reports: Mapping[str, Sequence[Listed]],
    cards: Mapping[str, Sequence[Listed]],
    explorations: Mapping[str, Sequence[Listed]],
    backtests: Mapping[str, Sequence[Listed]],
) -> str:
    """Return the page that leads to every report, model card, exploration and backtest.

    Args:
        reports: reports by the title of their use case.
        cards: model cards, likewise.
        explorations: explorations, likewise.
        backtests: backtests, likewise.
    """
    titles = sorted({*reports, *cards, *explorations, *backtests})
    kinds = {"Reports": reports, "Model cards": cards, "Explorations": explorations, "Backtests": backtests}
    pages = {title: {kind: _newest_first(listed.get(title, [])) for kind, listed in kinds.items()} for title in titles}
    return ENVIRONMENT.get_template("index.html").render(pages=pages)


def _newest_first(listed: Sequence[Listed]) -> list[Listed]:
    return sorted(listed, key=lambda item: (item.period, item.name, item.href), reverse=True)
