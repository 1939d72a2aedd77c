"""The monthly report as one self-contained page, generated from answers; and the questions that it asks.

What a question means belongs in `catena.insights`; the layout to `templates/report.html`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from catena.declaration import Limit, Stream, UseCase
from catena.insights import Query, conduct, costs, performance, promises, streaming, trends
from catena.partitions import shift_month
from catena.reports import charts
from catena.reports.evidence import Answer, Citations, as_script
from catena.reports.words import day_words, month_words, period_words, unit_words, value_kinds

ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("catena.reports"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters["month_words"] = month_words
ENVIRONMENT.filters["day_words"] = day_words
ENVIRONMENT.filters["period_words"] = period_words
ENVIRONMENT.filters["unit_words"] = unit_words

# How each measure is called where a manager reads it.
MEASURES = {
    "roc_auc": "ranking quality (ROC AUC)",
    "pr_auc": "precision and recall (PR AUC)",
    "brier": "Brier score",
    "log_loss": "log loss",
    "ece": "calibration error",
    "calibration_gap": "predicted minus realised",
    "label_coverage": "share of outcomes known",
    "quarantine_rate": "share of rows refused",
    "freshness_h": "hours since the newest outcome",
    "psi": "drift (population stability index)",
    "mae": "mean error",
    "rmse": "root mean squared error",
    "null_rate": "share of missing values",
    "roc_auc_gap": "promised minus realised ranking quality (ROC AUC)",
    "brier_gap": "promised minus realised Brier score",
    "log_loss_gap": "promised minus realised log loss",
    "skew_share": "rows whose features are not those that training has of them now",
    "unsound_score_share": "scores that are no number, or no probability",
    "missing_input_share": "inputs that are missing",
    "score_jump": "largest change of a score by the same model on the same inputs",
}


@dataclass(frozen=True)
class Page:
    """A finished report: its HTML, and its headline as plain text."""

    html: str
    headline: str


def questions(usecase: UseCase, month: str, trained_on: str | None, delivered: Sequence[Stream] = ()) -> list[Query]:
    """Return what the report of a month asks.

    Args:
        trained_on: training month of what served; None where nothing did.
        delivered: the streams that delivered records for the month; without one nothing is asked of streams.
    """
    asked = [
        trends.month_totals(usecase, month),
        trends.days_of(usecase, month),
        trends.extreme_days(usecase, month),
        *(trends.by_dimension(usecase, month, column) for column in usecase.report.dimensions),
        conduct.decisions(month),
        conduct.changes(month),
        conduct.candidate(month),
        conduct.verdicts(month),
        conduct.refused(month),
        conduct.alerts(month),
        conduct.alarms(month),
        costs.by_link(month),
    ]
    if trained_on is not None:
        asked += [
            performance.coverage(usecase, month),
            performance.served(usecase, month, trained_on),
            performance.reliability(usecase, month),
            promises.by_week(usecase, month),
            promises.by_age(usecase, month),
            *(promises.by_slice(usecase, month, column) for column in usecase.model.slices),
            conduct.drift(month),
            conduct.soundness(month),
            conduct.trailing(usecase, month),
        ]
    if usecase.serving.is_compared:
        asked.append(conduct.beside(month))
    if delivered:
        asked.append(streaming.streams(delivered, month))
    return asked


def report_page(usecase: UseCase, month: str, answers: Mapping[str, Answer]) -> Page:
    """Return the page of a month; the same answers give the same bytes."""
    citations = Citations(answers)
    value, change = value_kinds(usecase.model.kind)
    headline = _headline(usecase, month, citations)
    reference = {
        "usecase": usecase,
        "report": usecase.report,
        "month": month,
        "before": shift_month(month, -1),
        "after": shift_month(month, 1),
        "n": citations.cite,
        "rows": citations.rows,
        "headline": headline,
        "value_kind": value,
        "change_kind": change,
        "is_binary": usecase.model.kind == "binary",
        "charts": _charts(usecase, citations),
        "answers": answers,
        "slice_queries": [f"slice_{column}" for column in usecase.model.slices],
        "measures": MEASURES,
        "beside": citations.rows("beside") if "beside" in answers else [],
        "reasons": {limit.measure: limit.reason for limit in usecase.monitoring.limits},
        "descriptions": _descriptions(usecase),
        "standing": _standing(citations, month),
        "coming": _standing(citations, shift_month(month, 1)),
    }
    body = Markup(ENVIRONMENT.get_template("report.html").render(reference))  # noqa: S704 - escaped by the template
    script = as_script(citations.as_dict(usecase=usecase.name, month=month))
    return Page(str(body).replace("<!-- evidence -->", str(script)), headline.striptags())


def _standing(citations: Citations, month: str) -> int | None:
    """Return the row of the decision that takes effect in a month."""
    return next((row for row, found in enumerate(citations.rows("decisions")) if found["month"] == month), None)


def _descriptions(usecase: UseCase) -> dict[str, str]:
    return {column.name: column.description.rstrip(".") for column in usecase.table(usecase.features.table).columns}


def _headline(usecase: UseCase, month: str, citations: Citations) -> Markup:
    words, (value, change) = usecase.report, value_kinds(usecase.model.kind)
    if not citations.rows("month"):
        return Markup("No data for {}.").format(month_words(month))
    is_binary = usecase.model.kind == "binary"
    mean = citations.cite("month", "label_mean", value)
    parts = [
        Markup("{} {} in {}, ").format(
            citations.cite("month", "entities", "count"), words.entity_plural, month_words(month)
        )
    ]
    parts.append(
        Markup("{} {}").format(mean, words.event)
        if is_binary
        else Markup("{} {}{} on average").format(words.event, mean, unit_words(usecase.label.unit))
    )
    if citations.rows("month")[0]["label_mean_change"] is not None:
        parts.append(
            Markup(" ({} against {})").format(
                citations.cite("month", "label_mean_change", change), month_words(shift_month(month, -1))
            )
        )
    return Markup("").join([*parts, Markup(". "), _verdict(usecase, citations)])


def _verdict(usecase: UseCase, citations: Citations) -> Markup:
    """Return the sentence on the predictions, as the numbers have it."""
    if not citations.rows("served"):
        return Markup("No model served yet: the month was used to learn from.")
    found = citations.rows("served")[0]
    if usecase.model.kind == "regression":
        better = _better(found["mae_gain"])
        unit = unit_words(usecase.label.unit)
        return Markup("The predictions were {} than the simple baseline: off by {}{} on average, against {}{}.").format(
            better.replace("good", "close"),
            citations.cite("served", "model_mae", "amount"),
            unit,
            citations.cite("served", "baseline_mae", "amount"),
            unit,
        )
    if found["roc_auc_gain"] is None:
        return Markup("Only one kind of outcome occurred, so the predictions cannot be ranked.")
    if {row["model_role"] for row in citations.rows("coverage")} == {"baseline"}:
        return Markup("The simple baseline served: no model had proved better.")
    return Markup(
        "The model was {} at telling them apart than the simple baseline: {} of 100 pairs in the right "
        "order, against {}."
    ).format(
        _better(found["roc_auc_gain"]),
        citations.cite("served", "model_pairs", "pairs"),
        citations.cite("served", "baseline_pairs", "pairs"),
    )


def _better(gain: float | None) -> str:
    if gain is None or abs(gain) < 0.005:
        return "no better"
    return "better" if gain > 0 else "worse"


def _charts(usecase: UseCase, citations: Citations) -> dict[str, Markup]:
    is_share = usecase.model.kind == "binary"
    event = usecase.report.event
    label = f"share of {event}" if is_share else f"{event}{unit_words(usecase.label.unit)}"
    drawn: dict[str, Any] = {}
    if rows := citations.rows("days"):
        drawn["days"] = charts.daily_chart(rows, entities=usecase.report.entity_plural, label=label, is_share=is_share)
    if len(rows := citations.rows("reliability")) > 1:
        drawn["reliability"] = charts.reliability_chart(rows, label=label, is_share=is_share)
    if is_share and len(rows := citations.rows("by_week")) > 1:
        drawn["promised"] = charts.promised_chart(rows, metric=MEASURES["roc_auc"])
    if len(rows := citations.rows("trailing")) > 1:
        name = "roc_auc" if is_share else "mae"
        drawn["trailing"] = charts.trailing_chart(
            rows,
            metric=MEASURES[name][0].upper() + MEASURES[name][1:],
            days=usecase.monitoring.trailing_days,
            limit=_limit(usecase.monitoring.limits, name),
        )
    return drawn


def _limit(limits: tuple[Limit, ...], measure: str) -> float | None:
    for limit in limits:
        if limit.measure == measure and limit.is_trailing:
            return limit.minimum if limit.minimum is not None else limit.maximum
    return None
