"""A verdict's page says what was found, and shows values as text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from catena.quality.verdict import RuleResult, Verdict
from catena.reports.verdict import render

BROKEN = RuleResult(
    "in_set(dest)", "quarantine", "dest", "Not <in> scope.", False, 1, "", ("line 4: <script>alert(1)</script>",)
)
HELD = RuleResult("not_null(a)", "quarantine", "a", "A row needs its a.", True)


class Text(HTMLParser):
    """Collects the tags and the text that a browser would see."""

    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def read(page):
    """Return what a browser makes of a page."""
    parser = Text()
    parser.feed(page)
    return parser


def test_values_are_shown_and_never_run():
    """What stands in a delivery, in a file name or in a warning is text on the page."""
    verdict = Verdict("flights", "2013-01-05", "<b>x.csv", "ab12", (HELD, BROKEN), 20, 1, warnings=("<i>odd</i>",))
    seen = read(render(verdict, "Flights & delays"))
    assert {"script", "b>x", "i"}.isdisjoint(seen.tags)
    for said in ("<script>alert(1)</script>", "<b>x.csv", "<i>odd</i>", "Not <in> scope.", "Flights & delays"):
        assert said in seen.text


@pytest.mark.parametrize(
    ("results", "absent", "decision", "published"),
    [
        ((HELD,), False, "PASS", 19),
        ((HELD, BROKEN), False, "WARN", 19),
        ((RuleResult("volume", "fail", "", "No such day.", False), HELD), False, "FAIL", 0),
        ((), True, "NO_DATA", 19),
    ],
)
def test_the_page_states_decision_and_counts(results, absent, decision, published):
    """The decision follows the gravest broken rule; a refused delivery publishes nothing."""
    verdict = Verdict("flights", "2013-01-05", "x.csv", "ab12", results, 20, 1, is_absent=absent)
    assert (verdict.decision, verdict.rows_published) == (decision, published)
    text = read(render(verdict, "Flights")).text
    assert decision.replace("_", " ") in text
    assert f"{published}published" in text.replace("\n", "")
