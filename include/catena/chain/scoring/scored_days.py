"""What serves on a day against what scored it, so that monitoring waits for days that scoring has still to change."""

from __future__ import annotations

from typing import Any

from catena.chain.deploying.deployments import Deployments
from catena.lake import Lake
from catena.partitions import days_of_month, month_of

_WHOSE = ("partition", "revision", "model_version")


class ScoredDays:
    """What serves on a day, and whether its predictions are by that version already; read month by month."""

    def __init__(self, lake: Lake, serving: Deployments) -> None:
        self._lake = lake
        self.deployments = serving
        self._versions: dict[str, dict[str, set[str]]] = {}

    def serves(self, day: str) -> dict[str, Any] | None:
        """Return what serves on the day."""
        return self.deployments.serves(day)

    def is_stale(self, day: str) -> bool:
        """Return whether the day was scored by what no longer serves on it, so that scoring will change it."""
        serves, canary = self.serves(day), self.deployments.canary(day)
        if serves is None:
            return False
        # A day of few rows may have none on the canary's side.
        return bool(self._by(day) - {serves["model_version"], (canary or serves)["model_version"]})

    def _by(self, day: str) -> set[str]:
        month = month_of(day)
        if month not in self._versions:
            rows = self._lake.read("predictions", days_of_month(month), columns=_WHOSE)
            newest = rows.group_by("partition").aggregate([("revision", "max")])
            pairs = dict(zip(newest["partition"].to_pylist(), newest["revision_max"].to_pylist(), strict=True))
            said = rows.group_by(list(_WHOSE)).aggregate([]).to_pylist()
            found: dict[str, set[str]] = {}
            for row in said:
                if row["revision"] == pairs[row["partition"]]:
                    found.setdefault(row["partition"], set()).add(row["model_version"])
            self._versions[month] = found
        return self._versions[month].get(day, set())
