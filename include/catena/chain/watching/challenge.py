"""What monitoring says of a version that is tried beside what serves: measures of the day, and what they came to.

How two versions are compared belongs in `catena.monitoring.challenge`; taking a canary back, in
`catena.chain.watching.guard`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from catena import monitoring as watch
from catena.chain.deploying.deployments import Deployments
from catena.declaration import UseCase
from catena.governance.ledger import Fact
from catena.modeling.bootstrap import Interval
from catena.partitions import month_of, shift_day, start_of

SHADOW = "shadow_predictions"
SHADOW_COLUMNS = ("partition", "entity", "score", "model_version")


def tried(deployments: Deployments, day: str) -> dict[str, Any] | None:
    """Return what is compared on a day, JSON-ready; None where nothing is tried."""
    trial, serves = deployments.trial(day), deployments.serves(day)
    if trial is None or serves is None:
        return None
    is_last = day == trial.last or month_of(shift_day(day, 1)) != month_of(day)
    return {
        "kind": trial.kind, "challenger": trial.version, "champion": serves["model_version"], "first": trial.first,
        "share": trial.share, "is_last": is_last,
    }  # fmt: skip


def compared(usecase: UseCase, scored: pd.DataFrame, facts: Mapping[str, Any]) -> Interval:
    """Return the gain of what is tried over what serves, on the rows of the window since the trial began.

    Args:
        scored: rows of the window, up to the day.
        facts: of `tried`.
    """
    pair = watch.Pair(facts["challenger"], facts["champion"])
    since = scored[scored["partition"] >= facts["first"]]
    return watch.challenger_gain(since, pair, usecase.gate, usecase.serving)


def verdicts(usecase: UseCase, found: Iterable[tuple[str, Mapping[str, Any] | None, Interval | None]]) -> list[Fact]:
    """Return what trials came to by their last day, or by the last of a month, for the ledger.

    Args:
        found: day, what was tried on it, and the gain.
    """
    facts = []
    for day, of, gain in found:
        if of is None or gain is None or not of["is_last"]:
            continue
        payload = {
            **{name: of[name] for name in ("kind", "challenger", "champion", "first", "share")}, "last": day,
            "metric": usecase.gate.metric, "gain": gain.as_dict(), "margin": usecase.serving.margin,
        }  # fmt: skip
        decision = watch.verdict_of(gain, usecase.serving.margin)
        facts.append(Fact("shadow", of["challenger"], day, decision, start_of(shift_day(day, 1)), payload))
    return facts
