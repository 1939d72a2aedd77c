"""The charts of a model card: estimates with their intervals, as inline SVG.

What all charts share belongs in `catena.reports.charts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from catena.reports.charts import BLUE, MUTED, STYLE, VERMILION, as_svg

# From so many days on an interval is shown whole in a chart whose points rest on different numbers of days.
_SURE_DAYS = 7


def calibration_chart(bins: Sequence[dict[str, Any]], *, label: str, unit: str, is_share: bool) -> Markup:
    """Return realised means with their intervals against predicted ones, and the line on which they agree."""
    factor = 100 if is_share else 1
    predicted = [factor * item["score_mean"] for item in bins]
    realised = [factor * item["label_mean"] for item in bins]
    lows, highs = _bounds([item["label"] for item in bins], factor)
    ends = [0.0, *predicted, *highs] if is_share else [*predicted, *lows, *highs]
    low, high = min(ends), max(ends)
    margin = 0.05 * (high - low or 1)
    span = [low if is_share else low - margin, high + margin]
    suffix = "%" if is_share else unit
    with mpl.rc_context(STYLE | {"svg.hashsalt": "calibration", "axes.grid.axis": "both"}):
        figure = Figure(figsize=(4.6, 4.8), layout="constrained")
        axes = figure.subplots()
        axes.plot(span, span, color=MUTED, linestyle="--", linewidth=1.2, label="Prediction and outcome agree")
        axes.vlines(predicted, lows, highs, color=BLUE, linewidth=1.4, alpha=0.6, label="Interval of the outcome")
        axes.plot(predicted, realised, color=BLUE, marker="o", markersize=5, linewidth=1.6, label="Outcome")
        axes.set_xlim(*span)
        axes.set_ylim(*span)
        axes.set_xlabel(f"Predicted, {suffix}")
        axes.set_ylabel(f"What happened, {suffix}")
        axes.set_title(f"{label[0].upper()}{label[1:]}")
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
        return as_svg(
            figure,
            f"Predicted {label} against what happened, with intervals; the nearer to the dashed line, the more the "
            "predictions can be taken at their word.",
        )


def loss_chart(rows: Sequence[tuple[str, dict[str, Any]]], *, metric: str, what: str) -> Markup:
    """Return losses of a metric with their intervals, one line each, the first on top.

    Args:
        rows: names with intervals.
        metric: as people call it, with its unit.
        what: what the names are, for the text that stands for the picture.
    """
    names = [name.replace("_", " ") for name, _ in rows]
    places = list(range(len(rows), 0, -1))
    estimates = [interval["estimate"] or 0.0 for _, interval in rows]
    lows, highs = _bounds([interval for _, interval in rows], 1)
    with mpl.rc_context(STYLE | {"svg.hashsalt": "loss", "axes.grid.axis": "x"}):
        figure = Figure(figsize=(6.6, 0.9 + 0.27 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0.0, color=VERMILION, linestyle="--", linewidth=1.1)
        axes.hlines(places, lows, highs, color=BLUE, linewidth=1.4, alpha=0.6)
        axes.plot(estimates, places, color=BLUE, marker="o", markersize=5, linestyle="none")
        axes.set_yticks(places, names)
        axes.set_ylim(0.4, len(rows) + 0.6)
        axes.set_xlabel(f"Loss of {metric}")
        return as_svg(figure, f"What {metric} loses, with intervals, by {what}: {', '.join(names)}.")


def importance_chart(rows: Sequence[tuple[str, dict[str, Any], bool]], *, metric: str) -> Markup:
    """Return the losses of many columns with their intervals, one narrow line each; those that were kept are filled.

    Args:
        rows: names with intervals, and whether the column was kept.
        metric: as people call it.
    """
    places = list(range(len(rows), 0, -1))
    lows, highs = _bounds([interval for _, interval, _ in rows], 1)
    with mpl.rc_context(STYLE | {"svg.hashsalt": "importance", "axes.grid.axis": "x"}):
        figure = Figure(figsize=(7.4, 1.1 + 0.2 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0.0, color=VERMILION, linestyle="--", linewidth=1.1)
        for is_kept, color, fill, label in ((True, BLUE, BLUE, "Kept"), (False, MUTED, "white", "Dropped")):
            chosen = [at for at, row in enumerate(rows) if row[2] == is_kept]
            if not chosen:
                continue
            at_places = [places[at] for at in chosen]
            ends = [lows[at] for at in chosen], [highs[at] for at in chosen]
            axes.hlines(at_places, *ends, color=color, linewidth=1.2, alpha=0.6)
            axes.plot([rows[at][1]["estimate"] or 0.0 for at in chosen], at_places, color=color, marker="o",
                      markersize=4, markerfacecolor=fill, linestyle="none", label=label)  # fmt: skip
        axes.set_yticks(places, [name.replace("_", " ") for name, _, _ in rows], fontsize=8)
        axes.set_ylim(0.3, len(rows) + 0.7)
        axes.set_xlabel(f"Loss of {metric} when the feature is shuffled")
        axes.legend(loc="lower right", frameon=False, fontsize=8.5)
        return as_svg(
            figure, f"What {metric} loses when a feature is shuffled, with intervals, for {len(rows)} features."
        )


def age_chart(curve: Sequence[dict[str, Any]], *, metric: str) -> Markup:
    """Return the loss to the newest model above the metric itself, by weeks of age, with their intervals.

    Args:
        curve: `week`, `loss` and `metric`, in order.
        metric: as people call it.
    """
    weeks = [item["week"] for item in curve]
    with mpl.rc_context(STYLE | {"svg.hashsalt": "age"}):
        figure = Figure(figsize=(6.6, 5.0), layout="constrained")
        axes = figure.subplots(2, 1, sharex=True)
        above, below = axes
        above.axhline(0.0, color=VERMILION, linestyle="--", linewidth=1.1)
        for each, name in ((above, "loss"), (below, "metric")):
            lows, highs = _bounds([item[name] for item in curve], 1)
            each.vlines(weeks, lows, highs, color=BLUE, linewidth=1.4, alpha=0.6)
            means = [item[name]["estimate"] or 0.0 for item in curve]
            each.plot(weeks, means, color=BLUE, marker="o", markersize=4.5, linewidth=1.2)
            # A point that rests on few days may have an interval beside which nothing else is seen: it is cut off.
            sure = [at for at, item in enumerate(curve) if item["days"] >= _SURE_DAYS] or list(range(len(curve)))
            low, high = min(*means, *(lows[at] for at in sure)), max(*means, *(highs[at] for at in sure))
            margin = 0.08 * (high - low or 1.0)
            each.set_ylim(low - margin, high + margin)
        above.set_title(f"Loss of {metric} to the newest model of the day")
        below.set_title(f"{metric[0].upper()}{metric[1:]}, mean of days")
        below.set_xlabel("Weeks since the last day that the model could learn from")
        below.xaxis.get_major_locator().set_params(integer=True)
        return as_svg(figure, f"Two charts by weeks of age: the loss of {metric} to the newest model, and {metric}.")


def _bounds(intervals: Sequence[dict[str, Any]], factor: int) -> tuple[list[float], list[float]]:
    """Return the bounds; where there are none, the estimate itself: a dot without a line."""
    sides = []
    for side in ("low", "high"):
        found = [item["estimate"] if item[side] is None else item[side] for item in intervals]
        sides.append([factor * (value or 0.0) for value in found])
    return sides[0], sides[1]
