"""The verdict on a partition as one HTML page that a person can read; the same verdict gives the same bytes."""

from __future__ import annotations

from jinja2 import Template

from catena.quality.verdict import Verdict
from catena.reports.page import ENVIRONMENT

_SENTENCES = {
    "PASS": "Everything is as agreed.",
    "WARN": "Published. Something is unusual; see below.",
    "FAIL": "Nothing was published: the delivery breaks a rule that stops it.",
    "NO_DATA": "There is no delivery for this day. The day is published empty.",
}


def template() -> Template:
    """Return the compiled template; the environment keeps it."""
    return ENVIRONMENT.get_template("verdict.html")


def render(verdict: Verdict, usecase: str) -> str:
    """Return the page of a verdict."""
    broken = {id(result) for result in verdict.broken()}
    ordered = [*verdict.broken(), *(result for result in verdict.results if id(result) not in broken)]
    return template().render(
        verdict=verdict, usecase=usecase, sentence=_SENTENCES[verdict.decision], results=ordered, broken=len(broken)
    )
