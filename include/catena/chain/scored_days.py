"""What serves on a day against what scored it, so that monitoring waits for days that scoring has still to change."""

from __future__ import annotations

from typing import Any

from catena.chain.deployments import Deployments
from catena.lake import Lake
from catena.partitions import days_of_month, month_of

_WHOSE = ("partition", "revision", "model_version")


class ScoredDays:
    """What serves on a day, and whether its predictions are by that version already; read month by month."""

    def __init__(self, lake: Lake, serving: Deployments) -> None:
        self._lake = lake
        self._serving = serving
        self._versions: dict[str, dict[str, str]] = {}

    def serves(self, day: str) -> dict[str, Any] | None:
        """Return what serves on the day."""
        return self._serving.serves(day)

    def is_stale(self, day: str) -> bool:
        """Return whether the day was scored by what no longer serves on it, so that scoring will change it."""
        serves, version = self.serves(day), self._by(day)
        return serves is not None and version is not None and version != serves["model_version"]

    def _by(self, day: str) -> str | None:
        month = month_of(day)
        if month not in self._versions:
            rows = self._lake.read("predictions", days_of_month(month), columns=_WHOSE)
            newest = rows.group_by("partition").aggregate([("revision", "max")])
            pairs = dict(zip(newest["partition"].to_pylist(), newest["revision_max"].to_pylist(), strict=True))
            said = rows.group_by(list(_WHOSE)).aggregate([]).to_pylist()
            self._versions[month] = {
                row["partition"]: row["model_version"] for row in said if row["revision"] == pairs[row["partition"]]
            }
        return self._versions[month].get(day)
