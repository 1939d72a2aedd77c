"""The index page: all pages of all use cases by their kind, newest first.

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


def index_page(kinds: Mapping[str, Mapping[str, Sequence[Listed]]]) -> str:
    """Return the page that leads to every other one.

    Args:
        kinds: what people call a kind of page -> title of a use case -> its pages.
    """
    titles = sorted({title for listed in kinds.values() for title in listed})
    pages = {title: {kind: _newest_first(listed.get(title, [])) for kind, listed in kinds.items()} for title in titles}
    return ENVIRONMENT.get_template("index.html").render(pages=pages)


def _newest_first(listed: Sequence[Listed]) -> list[Listed]:
    return sorted(listed, key=lambda item: (item.period, item.name, item.href), reverse=True)
