"""What stands behind each number of a page, and the way to produce it again.

An answer is recorded with its SQL, bound values, tables, partition ranges and pinned versions; a number with the
answer, row and column that it was taken from. Where tables come from belongs to the caller.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
from markupsafe import Markup, escape

from catena.insights import Query, Source, ask
from catena.reports.words import worded

ELEMENT = "evidence"
Read = Callable[[Source, int], pa.Table]


class EvidenceMissing(ValueError):
    """A page without evidence, or a number that cites none."""


@dataclass(frozen=True)
class Answer:
    """A query, the version of each table that answered it, and the rows."""

    query: Query
    versions: Mapping[str, int]
    rows: list[dict[str, Any]]


class Citations:
    """Hands out the numbers of a page, each with a reference to its answer."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self._numbers: dict[str, dict[str, Any]] = {}

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of an answer; none where the query was not asked."""
        return self._answers[query].rows if query in self._answers else []

    def cite(self, query: str, column: str, kind: str, row: int = 0) -> Markup:
        """Return a value as text that carries its evidence; a dash where the value is missing.

        Raises:
            EvidenceMissing: the query has no such row or column.
        """
        rows = self.rows(query)
        if row >= len(rows) or column not in rows[row]:
            raise EvidenceMissing(f"query {query!r} has no row {row} with a column {column!r}")
        value = rows[row][column]
        text = worded(value, kind)
        if value is None:
            return Markup("<span class='n none'>{}</span>").format(text)
        key = f"{query}.{row}.{column}.{kind}"
        self._numbers[key] = {"query": query, "row": row, "column": column, "kind": kind, "value": value, "text": text}
        title = f"{query}: {column}, row {row + 1}"
        return Markup('<span class="n" data-n="{}" title="{}">{}</span>').format(key, title, text)

    def as_dict(self, **about: Any) -> dict[str, Any]:
        """Return the evidence of everything cited so far, JSON-ready."""
        return {
            **about,
            "queries": {name: _query_dict(answer) for name, answer in sorted(self._answers.items())},
            "numbers": dict(sorted(self._numbers.items())),
        }


def _query_dict(answer: Answer) -> dict[str, Any]:
    query = answer.query
    return {
        "purpose": query.purpose,
        "sql": query.sql.strip(),
        "values": dict(query.values),
        **({"statistic": query.statistic} if query.statistic else {}),
        "tables": {
            name: {
                "table": source.table,
                "version": answer.versions[name],
                "first": source.first,
                "last": source.last,
                "columns": list(source.columns),
            }
            for name, source in query.sources.items()
        },
    }


def as_script(evidence: Mapping[str, Any]) -> Markup:
    """Return the evidence as the page's machine-readable element."""
    text = json.dumps(evidence, sort_keys=True, indent=1, default=str, ensure_ascii=False)
    # Inside a script element nothing is unescaped: only a closing tag must not occur.
    return Markup('<script type="application/json" id="{}">{}</script>').format(
        ELEMENT,
        Markup(text.replace("<", "\\u003c")),  # noqa: S704 - escaped for where it stands
    )


def evidence_of(page: str) -> dict[str, Any]:
    """Return the evidence that a page carries.

    Raises:
        EvidenceMissing: the page carries none.
    """
    parser = _Page()
    parser.feed(page)
    if parser.script is None:
        raise EvidenceMissing(f"the page has no element with the id {ELEMENT!r}")
    found: dict[str, Any] = json.loads(parser.script)
    return found


def numbers_of(page: str) -> list[tuple[str, str]]:
    """Return each number that a page shows: the key of its evidence, and its text."""
    parser = _Page()
    parser.feed(page)
    return parser.numbers


def rerun(evidence: Mapping[str, Any], read: Read) -> dict[str, Any]:
    """Return each number's value, produced again from the pinned versions.

    Args:
        evidence: what `evidence_of` returned.
        read: returns the rows of a source at a version.
    """
    answers: dict[str, list[dict[str, Any]]] = {}
    for name, recorded in evidence["queries"].items():
        sources = {
            alias: Source(item["table"], tuple(item["columns"]), item["first"], item["last"])
            for alias, item in recorded["tables"].items()
        }
        query = Query(
            name, recorded["purpose"], recorded["sql"], sources, recorded["values"], recorded.get("statistic")
        )
        tables = {alias: read(source, recorded["tables"][alias]["version"]) for alias, source in sources.items()}
        answers[name] = ask(query, tables)
    return {
        key: answers[number["query"]][number["row"]][number["column"]] for key, number in evidence["numbers"].items()
    }


def disagreements(page: str, read: Read) -> list[str]:
    """Return what a page shows and its evidence does not give again; empty where every number stands."""
    evidence = evidence_of(page)
    again, found = rerun(evidence, read), []
    for key, text in numbers_of(page):
        number = evidence["numbers"].get(key)
        if number is None:
            found.append(f"{text!r} cites {key!r}, of which there is no evidence")
        elif str(escape(worded(again[key], number["kind"]))) != str(escape(text)):
            found.append(f"{key}: the page says {text!r}, the evidence gives {worded(again[key], number['kind'])!r}")
        elif again[key] != number["value"]:
            found.append(f"{key}: recorded as {number['value']!r}, the evidence gives {again[key]!r}")
    return found


class _Page(HTMLParser):
    """Collects the evidence element and the cited numbers of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.script: str | None = None
        self.numbers: list[tuple[str, str]] = []
        self._within: str | None = None
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a number or the evidence begins."""
        given = dict(attrs)
        self._in_script = tag == "script" and given.get("id") == ELEMENT
        if given.get("data-n"):
            self._within = given["data-n"]

    def handle_data(self, data: str) -> None:
        """Take the text of a number, or the evidence."""
        if self._in_script:
            self.script = (self.script or "") + data
        elif self._within is not None:
            self.numbers.append((self._within, data))
            self._within = None

    def handle_endtag(self, tag: str) -> None:
        """Note where the evidence ends."""
        if tag == "script":
            self._in_script = False
