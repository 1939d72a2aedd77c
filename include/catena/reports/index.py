"""The index page: all reports of all use cases, newest first.

Which reports there are belongs to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catena.reports.page import ENVIRONMENT


@dataclass(frozen=True)
class Listed:
    """A report in the index: its month, headline, and address relative to the index page."""

    month: str
    headline: str
    href: str


def index_page(reports: Mapping[str, Sequence[Listed]]) -> str:
    """Return the page that leads to every report.

    Args:
        reports: reports by the title of their use case.
    """
    ordered = {
        title: sorted(listed, key=lambda item: item.month, reverse=True) for title, listed in sorted(reports.items())
    }
    return ENVIRONMENT.get_template("index.html").render(reports=ordered)
