"""The page of a selection: which features are kept, and what speaks for and against each, with its cost.

How they are selected belongs in `catena.modeling.selection`; the layout to `templates/selection.html`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from catena.declaration import UseCase
from catena.reports.card import Facts
from catena.reports.card_charts import importance_chart
from catena.reports.evidence import as_script
from catena.reports.page import ENVIRONMENT, MEASURES


def selection_page(usecase: UseCase, month: str, decision: str, found: Mapping[str, Any]) -> str:
    """Return the page of a month's selection; the same facts give the same bytes.

    Args:
        found: what the ledger's entry keeps of it.
    """
    of = Facts({"selection": found})
    features = found["features"]
    order = sorted(range(len(features)), key=lambda at: -(features[at]["importance"]["estimate"] or 0.0))
    body = ENVIRONMENT.get_template("selection.html").render(
        usecase=usecase, month=month, decision=decision, found=found, n=of.cite, between=of.between, order=order,
        metric=MEASURES[found["metric"]], headline=headline(usecase, found), sources=_sources(features),
        chart=_chart(found, order), gains=_places(found, "source"), groups=_places(found, "cluster"),
        kept_of={name: sum(features[at]["is_kept"] for at in places) for name, places in _sources(features).items()},
        speakers={item["speaker"] for item in features},
        descriptions={column.name: column.description for column in usecase.table(usecase.features.table).columns},
    )  # fmt: skip
    return body.replace("<!-- evidence -->", str(as_script(of.as_dict())))


def headline(usecase: UseCase, found: Mapping[str, Any]) -> str:
    """Return a selection in one or two sentences, without the names of code."""
    return str(found["reason"]).replace(f" {found['metric']}", f" {MEASURES[found['metric']]}")


def _chart(found: Mapping[str, Any], order: list[int]) -> Markup:
    shown = [found["features"][at] for at in order]
    return importance_chart(
        [(item["column"], item["importance"], item["is_kept"]) for item in shown], metric=MEASURES[found["metric"]]
    )


def _sources(features: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return the places of the columns of each source."""
    found: dict[str, list[int]] = {}
    for at, item in enumerate(features):
        found.setdefault(item["cost"]["source"], []).append(at)
    return found


def _places(found: Mapping[str, Any], kind: str) -> dict[str, int]:
    """Return the place of each ablation of a kind."""
    return {item["name"]: at for at, item in enumerate(found["ablations"]) if item["kind"] == kind}
