"""The page on the age of models: what is lost, by weeks, when a model is not renewed.

How it is measured belongs in `catena.modeling.staleness`; the layout to `templates/staleness.html`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catena.declaration import UseCase
from catena.reports.card import Facts
from catena.reports.card_charts import age_chart
from catena.reports.evidence import as_script
from catena.reports.page import ENVIRONMENT, MEASURES


def staleness_page(usecase: UseCase, month: str, found: Mapping[str, Any]) -> str:
    """Return the page as of a month; the same facts give the same bytes.

    Args:
        found: `metric`, `curve`, `headline` and `versions`, as the ledger's entry keeps them.
    """
    of = Facts({"staleness": found})
    body = ENVIRONMENT.get_template("staleness.html").render(
        usecase=usecase, month=month, found=found, n=of.cite, between=of.between, metric=MEASURES[found["metric"]],
        chart=age_chart(found["curve"], metric=MEASURES[found["metric"]]),
    )  # fmt: skip
    return body.replace("<!-- evidence -->", str(as_script(of.as_dict())))


def headline_of_staleness(metric: str, curve: Sequence[Mapping[str, Any]]) -> str:
    """Return in one sentence what age costs, by the oldest age at which a loss or none is shown."""
    if not curve:
        return "No version has been seen on a later day yet."
    words = MEASURES[metric]
    told = [item for item in curve if item["loss"]["low"] is not None]
    lost = [item for item in told if item["loss"]["low"] > 0]
    if not told:
        return f"Too few days have passed to say what age costs in {words}."
    oldest = (lost or told)[-1]
    loss = oldest["loss"]
    numbers = f"{loss['estimate']:.3f} ({loss['low']:.3f} to {loss['high']:.3f})".replace("-", "−")
    if not lost:
        return f"Up to {oldest['week']} weeks of age no loss of {words} is shown; then it is {numbers}."
    return f"A model {oldest['week']} weeks old loses {numbers} of {words} to the newest one of the same days."
