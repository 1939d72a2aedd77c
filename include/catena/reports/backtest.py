"""The page and the picture of a backtest: policies and peers by month, what they decided, and what they cost.

What a backtest does belongs in `catena.backtest`; the layout to `templates/backtest.html`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from catena.declaration import UseCase
from catena.reports.charts import MUTED, STYLE, as_svg
from catena.reports.page import ENVIRONMENT
from catena.reports.words import worded

# Okabe and Ito's colours, which colour-blind readers tell apart; peers are drawn in grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#f0e442")
_DASHES = ("--", ":", "-.", (0, (1, 3)))
# By kind of model: the metrics that are drawn and listed, with what they are called and how their mean is taken.
METRICS = {
    "binary": (("roc_auc", "ROC AUC", "mean"), ("brier", "Brier score", "mean"), ("ece", "ECE", "median")),
    "regression": (("mae", "Mean absolute error", "mean"), ("rmse", "Root mean squared error", "mean")),
}


def backtest_headline(result: dict[str, Any]) -> str:
    """Return what the first policy came to, in one sentence."""
    first, metrics = result["policies"][0], METRICS[result["kind"]]
    told = ", ".join(
        f"{label} {worded(first['summary'][f'{name}_{of}'], 'score')} ({of})" for name, label, of in metrics
    )
    return f"{first['says']}: {told} over {len(result['months'])} months, each scored by what was trained before it."


def backtest_page(usecase: UseCase, result: dict[str, Any], headline: str) -> str:
    """Return the page; the same result gives the same bytes."""
    contenders = [*result["policies"], *result["peers"]]
    svg = as_svg(_figure(result), "Metrics by month of each policy and peer, and the CPU time of each policy.")
    return str(ENVIRONMENT.get_template("backtest.html").render(
        usecase=usecase, result=result, headline=headline, chart=svg, metrics=METRICS[result["kind"]],
        contenders=contenders, worded=worded,
        command=f"catena backtest {usecase.name} --from {result['first']} --to {result['last']}",
    ))  # fmt: skip


def backtest_picture(result: dict[str, Any], path: Path) -> None:
    """Write the chart as PNG."""
    with mpl.rc_context(STYLE):
        _figure(result).savefig(path, format="png", dpi=144, metadata={"Software": None})


def _figure(result: dict[str, Any]) -> Figure:
    drawn = METRICS[result["kind"]][:2]
    with mpl.rc_context(STYLE | {"svg.hashsalt": "backtest"}):
        figure = Figure(figsize=(8.4, 8.2), layout="constrained")
        *above, below = figure.subplots(3, 1, gridspec_kw={"height_ratios": [1.5, 1.5, 1]})
        (ranking, ranking_label, _), (error, error_label, _) = drawn
        _draw_months(above[0], result, ranking)
        above[0].set_title(ranking_label)
        above[0].set_ylabel(ranking_label)
        # Months differ more than policies do: only as differences are these to be told apart.
        _draw_months(above[1], _less_the_first(result, error), error)
        above[1].axhline(0, color=MUTED, linewidth=0.8)
        above[1].set_title(f"{error_label}, less that of “{result['policies'][0]['says']}”: above 0 is worse")
        above[1].set_ylabel(f"Difference in {error_label}")
        above[1].set_xlabel("Month that is scored")
        above[0].legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8.5)
        names = [policy["says"] for policy in result["policies"]]
        seconds = [policy["cpu"]["total_s"] for policy in result["policies"]]
        trainings = [policy["cpu"]["train_s"] for policy in result["policies"]]
        below.barh(names, seconds, color=[COLOURS[n % len(COLOURS)] for n in range(len(names))], alpha=0.45)
        below.barh(names, trainings, color=[COLOURS[n % len(COLOURS)] for n in range(len(names))])
        below.invert_yaxis()
        below.grid(axis="x")
        below.grid(visible=False, axis="y")
        below.set_title("CPU time of the policy (dark: trainings)")
        below.set_xlabel("CPU seconds")
        return figure


def _less_the_first(result: dict[str, Any], metric: str) -> dict[str, Any]:
    """Return the result with a metric's differences from the first policy; of the baseline none, which is far off."""
    first = result["policies"][0]["months"]

    def less(each: dict[str, Any]) -> dict[str, Any]:
        is_far = each["declared"].get("kind") == "baseline"
        found = {
            month: None if is_far else _number(each["months"][month].get(metric)) - _number(first[month].get(metric))
            for month in first
        }
        return each | {"months": {month: {metric: value} for month, value in found.items()}}

    return result | {kind: [less(each) for each in result[kind]] for kind in ("policies", "peers")}


def _draw_months(axes: Any, result: dict[str, Any], metric: str) -> None:
    months = result["months"]
    for n, policy in enumerate(result["policies"]):
        values = [_number(policy["months"][month].get(metric)) for month in months]
        axes.plot(months, values, color=COLOURS[n % len(COLOURS)], marker="o", markersize=3, linewidth=1.6,
                  label=policy["says"], zorder=3)  # fmt: skip
    for n, peer in enumerate(result["peers"]):
        values = [_number(peer["months"][month].get(metric)) for month in months]
        axes.plot(months, values, color=MUTED, linestyle=_DASHES[n % len(_DASHES)], linewidth=1.3, label=peer["says"])
    reference = result["reference"]
    if reference is not None and reference["metric"] == metric:
        there = [month for month in months if month in reference["months"]]
        axes.plot(there, [reference["months"][month] for month in there], color="black", linestyle="none", marker="_",
                  markersize=12, label="reference", zorder=2)  # fmt: skip
    axes.set_xticks(months, [month[5:] if n else month for n, month in enumerate(months)])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
