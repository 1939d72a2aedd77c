"""The verdict on a partition as one HTML page that a person can read; the same verdict gives the same bytes."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from catena.quality.verdict import Verdict

_SENTENCES = {
    "PASS": "Everything is as agreed.",
    "WARN": "Published. Something is unusual; see below.",
    "FAIL": "Nothing was published: the delivery breaks a rule that stops it.",
    "NO_DATA": "There is no delivery for this day. The day is published empty.",
}


@cache
def template() -> Template:
    """Return the compiled template."""
    environment = Environment(
        loader=PackageLoader("catena.quality"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("verdict.html")


def render(verdict: Verdict, usecase: str) -> str:
    """Return the page of a verdict."""
    broken = {id(result) for result in verdict.broken()}
    ordered = [*verdict.broken(), *(result for result in verdict.results if id(result) not in broken)]
    return template().render(
        verdict=verdict, usecase=usecase, sentence=_SENTENCES[verdict.decision], results=ordered, broken=len(broken)
    )
