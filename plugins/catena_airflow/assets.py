"""The one place that builds assets: `lake://<usecase>/<table>`, named `<usecase>.<table>`.

An asset event says that a partition changed; it is a hint, and what it means is read from lake and ledger. When a DAG
listens to which asset belongs in `schedules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow.sdk import Asset, AssetAlias, AssetWatcher
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

from catena.declaration import Dataset, UseCase
from catena_airflow.triggers.stream_lag import StreamLagTrigger

Milestone = Literal[
    "clean", "features", "search", "retraining", "candidate", "champion", "decision", "predictions", "health",
    "watched", "report", "exploration",
]  # fmt: skip


def asset(usecase: UseCase, table: str) -> Asset:
    """Return the asset of a table or milestone of a use case."""
    return Asset(name=f"{usecase.name}.{table}", uri=f"lake://{usecase.name}/{table}", group="lake")


def milestone(usecase: UseCase, name: Milestone) -> Asset:
    """Return an asset that DAGs listen to.

    `clean`: all datasets of a day are settled, and at least one changed or is known not to come. `features`,
    `predictions`, `health`: a day. `watched`: a month of which a day was measured. `search`: a training month whose
    days are all there, or whose search was concluded. `retraining`: a day at whose end a training off schedule is asked
    for. `candidate`: the training month, or such a day. `decision`: the month in which the training was cut.
    `champion`: the month in which it serves. `report`: a month. `exploration`: a month or a range of days.
    """
    return asset(usecase, name)


def clean_tables(usecase: UseCase, dataset: Dataset) -> list[Asset]:
    """Return the assets of the clean tables that a dataset becomes."""
    return [asset(usecase, clean.table) for clean in dataset.clean]


@dataclass(frozen=True)
class RareHint:
    """An asset whose event a task gives only when there is a reason.

    An outlet tells its listeners at each success. An alias tells only when the task says so: that is what a rare event
    needs, so that the usual case starts no run.
    """

    alias: AssetAlias
    asset: Asset


def restatement(usecase: UseCase, table: str) -> RareHint:
    """Return the hint that a partition of a table, which stood there before, has another content now."""
    corrected = asset(usecase, f"{table}.restated")
    return RareHint(AssetAlias(name=f"{corrected.name}.alias", group="lake"), corrected)


def promotion_due(usecase: UseCase) -> RareHint:
    """Return the hint that another month waits to be decided, once the one before it has its answer."""
    candidate = milestone(usecase, "candidate")
    return RareHint(AssetAlias(name=f"{candidate.name}.undecided.alias", group="lake"), candidate)


def stream_lag(usecase: UseCase) -> Asset:
    """Return the hint that events wait at the broker; a watcher in the triggerer gives it, and it carries no data."""
    trigger = StreamLagTrigger(usecase=usecase.name)
    return Asset(
        name=f"{usecase.name}.stream_lag", uri=f"stream://{usecase.name}/lag", group="streams",
        watchers=[AssetWatcher(name=f"{usecase.name}.stream_lag", trigger=trigger)],
    )  # fmt: skip


def find_uri_handlers() -> None:
    """Let Airflow find what its providers say of the URIs of assets: it imports some of them, in each task anew."""
    _ = ProvidersManagerTaskRuntime().asset_uri_handlers  # type: ignore[no-untyped-call]
