"""What a selection of features found: the columns kept and dropped, the evidence, and each reason in a sentence. Pure.

How it is found belongs in `catena.modeling.selection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import log2
from typing import Any, Literal

from catena.declaration import Model, Selection
from catena.modeling.association import Cluster
from catena.modeling.bootstrap import Interval


@dataclass(frozen=True)
class FeatureCost:
    """What it takes to have a feature at the decision.

    Attributes:
        source: where it comes from; the numbers are the source's, since its columns are made together.
        tables: lake tables that are read for it.
        cpu_ms: CPU time for 1,000 decisions that goes when the source goes; None where it was not measured.
        age_min: how old the source is at the decision, in the median; None for what does not age.
        shares: sources that read the same inputs, so that their time does not go with this one.
    """

    source: str
    tables: tuple[str, ...] = ()
    cpu_ms: float | None = None
    age_min: float | None = None
    shares: tuple[str, ...] = ()

    @property
    def price(self) -> tuple[float, float]:
        """What to compare costs by: time to the nearest power of two, so that chance does not decide; then age."""
        time = 0.0 if not self.cpu_ms or self.cpu_ms <= 0 else float(round(log2(self.cpu_ms)))
        return time, self.age_min or 0.0


@dataclass(frozen=True)
class Ablation:
    """What a group of columns brings.

    Attributes:
        name: of the source, or the first column of the cluster.
        gain: of all columns over all but these, paired by day.
    """

    kind: Literal["source", "cluster"]
    name: str
    columns: tuple[str, ...]
    gain: Interval


@dataclass(frozen=True)
class Trial:
    """A set of columns against all of them.

    Attributes:
        what: what was left out.
        gain: over all columns, paired by day; negative where it loses.
        is_shown: whether it is shown to lose less than the margin.
    """

    what: str
    columns: tuple[str, ...]
    gain: Interval
    is_shown: bool


@dataclass(frozen=True)
class Evidence:
    """What was measured of the columns.

    Attributes:
        importance: loss of the metric when the column is shuffled.
        speaker: column -> the one that stands for its cluster, itself where it is that one.
    """

    importance: Mapping[str, Interval]
    clusters: tuple[Cluster, ...]
    speaker: Mapping[str, str]
    ablations: tuple[Ablation, ...]
    costs: Mapping[str, FeatureCost]

    def is_shown(self, column: str, minimum_gain: float) -> bool:
        """Return whether a column, or the cluster that it stands for, is shown to help or helps enough as it stands."""
        groups = [
            item.gain for item in self.ablations
            if item.kind == "cluster" and column in item.columns and self.speaker[column] == column
        ]  # fmt: skip
        return any(_helps(gain, minimum_gain) for gain in (self.importance[column], *groups))

    def idle_sources(self, minimum_gain: float) -> list[Ablation]:
        """Return the sources without which the model is not shown to lose, nor loses enough as it stands."""
        return [item for item in self.ablations if item.kind == "source" and not _helps(item.gain, minimum_gain)]


@dataclass(frozen=True)
class FeatureVerdict:
    """One column: whether it is kept, and why, in one sentence."""

    column: str
    is_kept: bool
    because: Literal["required", "helps", "needed together", "redundant", "not shown to help", "source not worth it"]
    reason: str


@dataclass(frozen=True)
class SelectedFeatures:
    """What a selection found.

    Attributes:
        kept: columns in declared order.
        features: a verdict on every column, in declared order.
        trials: the sets that were tried, the last of which is kept where it is shown not to lose.
        folds: which days each fold was judged on, and how many rows it was fitted on.
        full: the metric with all columns, over all folds.
    """

    kept: tuple[str, ...]
    features: tuple[FeatureVerdict, ...]
    trials: tuple[Trial, ...]
    evidence: Evidence
    folds: tuple[dict[str, Any], ...]
    full: Interval
    metric: str
    margin: float
    seed: int

    @property
    def dropped(self) -> tuple[str, ...]:
        """Columns that are not kept, in declared order."""
        return tuple(item.column for item in self.features if not item.is_kept)

    @property
    def decision(self) -> Literal["SELECTED", "KEPT_ALL"]:
        """SELECTED where a column was dropped."""
        return "SELECTED" if self.dropped else "KEPT_ALL"

    @property
    def reason(self) -> str:
        """The selection in one sentence."""
        count, last = len(self.features), self.trials[-1] if self.trials else None
        if last is None:
            return f"All {count} columns are kept: each of them is shown to help."
        if not last.is_shown:
            return (
                f"All {count} columns are kept: of no smaller set is it shown that it loses less than {self.margin:g} "
                f"of {self.metric}; the largest, {last.what}, changes it by {said(last.gain)}."
            )
        return (
            f"{len(self.kept)} of {count} columns are kept, {last.what}: {self.metric} changes by {said(last.gain)}, "
            f"and a loss of more than {self.margin:g} is excluded."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        evidence = self.evidence
        return {
            "metric": self.metric, "margin": self.margin, "seed": self.seed, "reason": self.reason,
            "kept": list(self.kept), "dropped": list(self.dropped), "full": self.full.as_dict(),
            "folds": [dict(fold) for fold in self.folds],
            "features": [
                {
                    **asdict(item), "importance": evidence.importance[item.column].as_dict(),
                    "speaker": evidence.speaker[item.column], "cost": asdict(evidence.costs[item.column]),
                }
                for item in self.features
            ],
            "clusters": [
                {"columns": list(group.columns), "weakest": group.weakest}
                for group in evidence.clusters if len(group.columns) > 1
            ],
            "ablations": [
                {"kind": item.kind, "name": item.name, "columns": list(item.columns), "gain": item.gain.as_dict()}
                for item in evidence.ablations
            ],
            "trials": [
                {"what": item.what, "columns": len(item.columns), "gain": item.gain.as_dict(),
                 "is_shown": item.is_shown}
                for item in self.trials
            ],
        }  # fmt: skip


def verdicts(
    model: Model, rule: Selection, evidence: Evidence, trials: tuple[Trial, ...], kept: Iterable[str]
) -> tuple[FeatureVerdict, ...]:
    """Return why each column is kept or dropped."""
    there = set(kept)
    of = _Reasons(rule, evidence, trials)
    return tuple(of.kept(name) if name in there else of.dropped(name) for name in model.features)


class _Reasons:
    """Words the verdicts."""

    def __init__(self, rule: Selection, evidence: Evidence, trials: tuple[Trial, ...]) -> None:
        self._rule = rule
        self._evidence = evidence
        self._trials = trials
        self._sources = {column: item for item in evidence.idle_sources(rule.minimum_gain) for column in item.columns}
        self._clusters = {column: group for group in evidence.clusters for column in group.columns}

    def kept(self, column: str) -> FeatureVerdict:
        """Return why a column is kept."""
        alone = self._alone(column)
        if column in self._rule.required:
            return FeatureVerdict(column, True, "required", f"Required by the declaration. {alone}")
        if not self._evidence.is_shown(column, self._rule.minimum_gain) or self._is_redundant(column):
            return FeatureVerdict(
                column, True, "needed together",
                f"{alone} Alone it is not shown to help, but leaving out all such columns is not shown to lose less "
                f"than {self._rule.margin:g}.",
            )  # fmt: skip
        others = [name for name in self._clusters[column].columns if name != column]
        stands = f" It also stands for {', '.join(others)}." if others else ""
        return FeatureVerdict(column, True, "helps", f"{alone}{self._doubt(column)}{stands}")

    def _doubt(self, column: str) -> str:
        """Return what else speaks for a column that alone is not shown to help."""
        own = self._evidence.importance[column]
        if own.low is not None and own.low > 0:
            return ""
        if (own.estimate or 0.0) >= self._rule.minimum_gain:
            return f" That is not beyond doubt, but as it stands at least the declared {self._rule.minimum_gain:g}."
        group = next(item for item in self._evidence.ablations if item.kind == "cluster" and column in item.columns)
        return f" Without it and all that says the same, {said(group.gain)} is lost."

    def dropped(self, column: str) -> FeatureVerdict:
        """Return why a column is dropped."""
        if self._is_redundant(column):
            speaker = self._evidence.speaker[column]
            weakest = self._clusters[column].weakest
            return FeatureVerdict(
                column, False, "redundant",
                f"Says what {speaker} says (association at least {weakest:.2f}), which costs "
                f"{said(self._evidence.importance[speaker])} when it is shuffled, and this one "
                f"{said(self._evidence.importance[column])}.",
            )  # fmt: skip
        if not self._evidence.is_shown(column, self._rule.minimum_gain):
            return FeatureVerdict(column, False, "not shown to help", self._alone(column))
        source, cost = self._sources[column], self._evidence.costs[column]
        return FeatureVerdict(
            column, False, "source not worth it",
            f"Its source {source.name} as a whole brings {said(source.gain)} of {self._rule.metric}"
            f"{_costs_words(cost)}.",
        )  # fmt: skip

    def _is_redundant(self, column: str) -> bool:
        return self._evidence.speaker[column] != column

    def _alone(self, column: str) -> str:
        return f"Shuffled, it costs {said(self._evidence.importance[column])} of {self._rule.metric}."


def said(interval: Interval) -> str:
    """Return an interval in words."""
    if interval.estimate is None:
        return f"an unknown amount ({interval.reason})"
    if interval.low is None or interval.high is None:
        return f"{_number(interval.estimate)} (no interval: {interval.reason})"
    return f"{_number(interval.estimate)} ({_number(interval.low)} to {_number(interval.high)})"


def _number(value: float) -> str:
    text = f"{value:.4f}"
    # A loss of nothing has no sign.
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def _costs_words(cost: FeatureCost) -> str:
    words = []
    if cost.cpu_ms is not None:
        words.append(f"takes {cost.cpu_ms:.0f} ms of CPU for 1,000 decisions")
    if cost.age_min is not None:
        words.append(f"is {cost.age_min:.0f} min old at the decision")
    return f", {' and '.join(words)}" if words else ""


def _helps(gain: Interval, minimum_gain: float) -> bool:
    return (gain.low is not None and gain.low > 0) or (gain.estimate or 0.0) >= minimum_gain
