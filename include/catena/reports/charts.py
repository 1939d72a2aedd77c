"""Charts as inline SVG: dark on light, colours that colour-blind readers tell apart, the same bytes each time.

Which chart a page shows belongs in `catena.reports.page`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID = "#1d2733", "#51606f", "#dfe4ea"
# Okabe and Ito's blue and vermilion.
BLUE, VERMILION = "#0072b2", "#d55e00"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
}


def daily_chart(rows: Sequence[dict[str, Any]], *, entities: str, label: str, is_share: bool) -> Markup:
    """Return volumes (bars) above the mean label (line), one point a day.

    Args:
        rows: `day`, `entities`, `label_mean`.
        entities: what is counted.
        label: what the mean label is, with its unit.
    """
    days = [int(row["day"][-2:]) for row in rows]
    factor = 100 if is_share else 1
    with mpl.rc_context(STYLE | {"svg.hashsalt": "daily"}):
        figure = Figure(figsize=(6.6, 4.0), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1, 1.3]})
        above.bar(days, [row["entities"] for row in rows], color=BLUE, width=0.75)
        above.set_title(f"{entities.capitalize()} a day")
        below.plot(
            days,
            [_scaled(row["label_mean"], factor) for row in rows],
            color=VERMILION,
            marker="o",
            markersize=3.5,
            linewidth=1.6,
        )
        below.set_title(f"{label[0].upper()}{label[1:]}")
        below.set_xlabel("Day of the month")
        below.set_xticks([day for day in days if day == 1 or day % 5 == 0])
        if is_share:
            below.set_ylim(bottom=0)
            below.yaxis.set_major_formatter("{x:.0f} %")
        thousands(above)
        return as_svg(figure, f"Two charts over the days of the month: {entities} a day, and {label}.")


def reliability_chart(rows: Sequence[dict[str, Any]], *, label: str, is_share: bool) -> Markup:
    """Return predicted against realised means, with the line on which they agree."""
    factor = 100 if is_share else 1
    predicted = [factor * row["score_mean"] for row in rows]
    realised = [factor * row["label_mean"] for row in rows]
    low, high = min([*predicted, *realised]), max([*predicted, *realised])
    margin = 0.05 * (high - low or 1)
    low = 0 if is_share else low - margin
    with mpl.rc_context(STYLE | {"svg.hashsalt": "reliability", "axes.grid.axis": "both"}):
        figure = Figure(figsize=(4.6, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.plot(
            [low, high + margin],
            [low, high + margin],
            color=MUTED,
            linestyle="--",
            linewidth=1.2,
            label="Prediction and outcome agree",
        )
        axes.plot(
            predicted, realised, color=BLUE, marker="o", markersize=5, linewidth=1.6, label="Tenths of the predictions"
        )
        axes.set_xlabel("Predicted")
        axes.set_ylabel("What happened")
        axes.set_title(f"{label[0].upper()}{label[1:]}")
        axes.legend(loc="upper left", frameon=False, fontsize=8.5)
        if is_share:
            axes.xaxis.set_major_formatter("{x:.0f} %")
            axes.yaxis.set_major_formatter("{x:.0f} %")
        return as_svg(
            figure,
            f"Predicted {label} against what happened, in ten groups; the nearer to the dashed line, "
            "the more the predictions can be taken at their word.",
        )


def trailing_chart(rows: Sequence[dict[str, Any]], *, metric: str, days: int, limit: float | None) -> Markup:
    """Return the main metric over the trailing window, day by day, with its declared limit."""
    with mpl.rc_context(STYLE | {"svg.hashsalt": "trailing"}):
        figure = Figure(figsize=(6.6, 2.5), layout="constrained")
        axes = figure.subplots()
        axes.plot(
            [int(row["day"][-2:]) for row in rows],
            [row["value"] for row in rows],
            color=BLUE,
            marker="o",
            markersize=3.5,
            linewidth=1.6,
        )
        if limit is not None:
            axes.axhline(limit, color=VERMILION, linestyle="--", linewidth=1.2)
            axes.annotate(
                "limit",
                (1.0, limit),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 3),
                textcoords="offset points",
                ha="right",
                color=VERMILION,
                fontsize=8.5,
            )
        axes.set_title(f"{metric}, over the last {days} days")
        axes.set_xlabel("Day of the month")
        return as_svg(figure, f"{metric} over a window of {days} days, by day of the month.")


def promised_chart(rows: Sequence[dict[str, Any]], *, metric: str) -> Markup:
    """Return ranking quality by week: promised by the scores (line), and realised with its interval (points).

    Args:
        rows: of `catena.insights.promises.by_week`.
        metric: how it is called.
    """
    places = list(range(len(rows)))
    with mpl.rc_context(STYLE | {"svg.hashsalt": "promised"}):
        figure = Figure(figsize=(6.6, 2.7), layout="constrained")
        axes = figure.subplots()
        for which, colour, line in (("estimated", VERMILION, "--"), ("realised", BLUE, "-")):
            known = [place for place in places if rows[place][f"{which}_roc_auc"] is not None]
            values = [rows[place][f"{which}_roc_auc"] for place in known]
            reach = [
                [abs((rows[place][f"{which}_roc_auc_{end}"] or value) - value)
                 for place, value in zip(known, values, strict=True)] for end in ("low", "high")
            ]  # fmt: skip
            words = "Promised by the scores" if which == "estimated" else "Realised"
            axes.errorbar(known, values, yerr=reach if which == "realised" else None, color=colour, marker="o",
                          markersize=4, linewidth=1.5, linestyle=line, elinewidth=1, label=words)  # fmt: skip
        axes.set_xticks(places, [row["first_day"][5:] for row in rows])
        axes.set_xlabel("First day of the week, month and day")
        axes.set_title(f"{metric[0].upper()}{metric[1:]}")
        axes.legend(loc="best", frameon=False, fontsize=8.5)
        return as_svg(figure, f"{metric} by week: promised by the scores before, and realised after.")


def _scaled(value: float | None, factor: int) -> float:
    return float("nan") if value is None else factor * value


def thousands(axes: Axes) -> None:
    """Write the numbers of the upright axis in full, with their thousands apart."""
    axes.yaxis.set_major_formatter("{x:,.0f}")


def as_svg(figure: Figure, alt: str) -> Markup:
    """Return a figure as SVG without times, addresses and fixed size."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # The page gives the width; the view box keeps the proportions.
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    opening = Markup('<svg role="img" aria-label="{}"').format(alt)
    return Markup(text.strip().replace("<svg", opening, 1))  # noqa: S704 - made by matplotlib from numbers and declared words
