"""The page of an exploration: leakage first, then the target, then each table with its columns.

What a question means belongs in `catena.insights`; the layout to `templates/exploration.html`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from catena.declaration import Table, UseCase
from catena.insights.alarms import Check
from catena.insights.profiles import CATEGORIES, NUMBERS, profiled
from catena.reports import small_charts
from catena.reports.evidence import Answer, Citations, as_script
from catena.reports.page import ENVIRONMENT, Page
from catena.reports.units import unit_of
from catena.reports.words import unit_words, value_kinds

# Columns that are shown of drift, the furthest first; features by their power likewise.
SHOWN = 10
# How the number of an alarm is worded, by the column of its answer.
_KINDS = {"alone": "score", "beyond": "score", "agreement": "score"}


def exploration_page(
    usecase: UseCase, period: str, tables: Sequence[Table], answers: Mapping[str, Answer], checks: Sequence[Check]
) -> Page:
    """Return the page of a period; the same answers give the same bytes.

    Args:
        tables: the tables that were explored, in the order of the page.
        checks: of leakage; empty where it was not looked for.
    """
    citations = Citations(answers)
    value, _ = value_kinds(usecase.model.kind)
    headline = _headline(usecase, tables, citations, checks)
    reference = {
        "usecase": usecase,
        "period": period,
        "tables": tables,
        "n": citations.cite,
        "rows": citations.rows,
        "headline": headline,
        "value_kind": value,
        "is_binary": usecase.model.kind == "binary",
        "answers": answers,
        "checks": checks,
        "alarms": [alarm for check in checks for alarm in check.alarms],
        "kinds": _KINDS,
        "shown": SHOWN,
        "profiled": profiled,
        "units": {table.name: {c.name: unit_of(c.name) for c in table.columns} for table in tables},
        "distributions": {table.name: _distributions(table, citations) for table in tables},
        "target_chart": _target_chart(usecase, citations),
    }
    body = str(ENVIRONMENT.get_template("exploration.html").render(reference))
    script = as_script(citations.as_dict(usecase=usecase.name, period=period))
    return Page(body.replace("<!-- evidence -->", str(script)), headline.striptags())


def _headline(usecase: UseCase, tables: Sequence[Table], citations: Citations, checks: Sequence[Check]) -> Markup:
    if not checks:
        counts = [
            Markup("{}: {} rows").format(table.name, citations.cite(f"rows_{table.name}", "rows", "count"))
            for table in tables
        ]
        return Markup("{}.").format(Markup(", ").join(counts))
    counted = f"rows_{usecase.features.table}"
    days = citations.rows(counted)[0]["days_with_rows"]
    held = Markup("{} {} on {} {}. ").format(
        citations.cite(counted, "rows", "count"),
        usecase.report.entity_plural,
        citations.cite(counted, "days_with_rows", "count"),
        "day" if days == 1 else "days",
    )
    return held + Markup("{}").format(leakage_words(checks))


def leakage_words(checks: Sequence[Check]) -> str:
    """Return in a sentence or two what the checks of leakage found, and what could not be looked at."""
    subjects = dict.fromkeys(alarm.subject for check in checks for alarm in check.alarms)
    if subjects:
        named = ", ".join(list(subjects)[:5])
        found = f"Signs of leakage: {named}{' and others' if len(subjects) > 5 else ''}."
    else:
        found = "No sign of leakage."
    unseen = [check for check in checks if check.verdict == "NOT_CHECKED"]
    return f"{found} Not every check could be made." if unseen else found


def _distributions(table: Table, citations: Citations) -> dict[str, Markup]:
    steps: dict[str, dict[int, int]] = {}
    for row in citations.rows(f"distributions_{table.name}"):
        steps.setdefault(row["name"], {})[row["step"]] = row["rows"]
    types = {column.name: column.type for column in table.columns}
    return {
        name: small_charts.bars(
            [counts.get(step, 0) for step in range(max(counts) + 1)], is_ranked=types[name] in CATEGORIES,
            alt=f"Distribution of {name}.",
        )
        for name, counts in steps.items()
        # A name that occurs once a row has no frequencies to show.
        if types[name] in NUMBERS or max(counts.values()) > 1
    }  # fmt: skip


def _target_chart(usecase: UseCase, citations: Citations) -> Markup | None:
    rows: list[dict[str, Any]] = citations.rows("target_days")
    if len(rows) < 2:
        return None
    is_share = usecase.model.kind == "binary"
    event = usecase.report.event
    label = f"share of {event}" if is_share else f"{event}{unit_words(usecase.label.unit)}"
    return small_charts.rates(rows, entities=usecase.report.entity_plural, label=label, is_share=is_share)
