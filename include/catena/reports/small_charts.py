"""The charts of an exploration: many small distributions, and rates with their intervals.

Distributions are written as plain SVG: a table has dozens of them, and matplotlib takes 50 ms of CPU for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from catena.reports.charts import BLUE, MUTED, STYLE, VERMILION, as_svg, thousands

WIDTH, HEIGHT, GAP = 120, 30, 1


def bars(counts: Sequence[int], *, is_ranked: bool, alt: str) -> Markup:
    """Return one bar for each count, the highest as high as the picture.

    Args:
        is_ranked: whether these are values by frequency, drawn in grey, and not steps of a number.
    """
    most, width = max(counts), WIDTH / len(counts)
    gap = GAP if width > 3 * GAP else 0
    drawn = "".join(
        f'<rect x="{place * width:.1f}" y="{HEIGHT - high:.1f}" width="{min(width - gap, 24):.1f}" '
        f'height="{high:.1f}"/>'
        for place, count in enumerate(counts)
        # A bar that is there is seen, if only as a line.
        if count and (high := max(1.0, HEIGHT * count / most))
    )
    opening = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}" fill="{}">').format(
        alt, WIDTH, HEIGHT, WIDTH, HEIGHT, MUTED if is_ranked else BLUE
    )
    return opening + Markup(drawn) + Markup("</svg>")  # noqa: S704 - numbers alone


def rates(rows: Sequence[dict[str, Any]], *, entities: str, label: str, is_share: bool) -> Markup:
    """Return counts (bars) above the mean label with its interval, one point a day.

    Args:
        rows: `day`, `entities`, `label_mean`, `low`, `high`, in order of days.
    """
    factor = 100 if is_share else 1
    places = list(range(len(rows)))
    known = [place for place in places if rows[place]["label_mean"] is not None]
    means = [factor * rows[place]["label_mean"] for place in known]
    ends = [[_reach(rows[place], side, factor) for place in known] for side in ("low", "high")]
    every = max(1, round(len(rows) / 8))
    with mpl.rc_context(STYLE | {"svg.hashsalt": "rates"}):
        figure = Figure(figsize=(6.6, 4.0), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1, 1.5]})
        above.bar(places, [row["entities"] for row in rows], color=BLUE, width=0.75)
        above.set_title(f"{entities.capitalize()} a day")
        thousands(above)
        below.errorbar(known, means, yerr=ends, color=VERMILION, marker="o", markersize=3, linewidth=1.2,
                       elinewidth=1)  # fmt: skip
        below.set_title(f"{label[0].upper()}{label[1:]}, with its interval")
        below.set_xticks(places[::every], [rows[place]["day"][5:] for place in places[::every]])
        below.set_xlabel("Month and day")
        if is_share:
            below.set_ylim(bottom=0)
            below.yaxis.set_major_formatter("{x:.0f} %")
        return as_svg(figure, f"Two charts over the days: {entities} a day, and {label} with its interval.")


def _reach(row: dict[str, Any], side: str, factor: int) -> float:
    return 0.0 if row[side] is None else factor * abs(row[side] - row["label_mean"])
