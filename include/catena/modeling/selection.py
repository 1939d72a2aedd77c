"""Which features a model needs: by importance, redundancy and ablation on walk-forward folds, and by their cost. Pure.

Only the training part is read. Sets of columns are tried from the smallest to the largest, and the first of which it is
shown that it loses less than the declared margin to all columns is kept; where none is, all columns are. The folds that
suggest a set also judge it, so that a gain is flattered: that is why nothing but a loss is asked about, with the error
shared among the sets, and why the gate judges the model on days that were not seen here.

How an answer reads belongs in `catena.modeling.selected`, what a feature costs in
`catena.chain.featuring.feature_costs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from catena.declaration import Model, Selection
from catena.modeling.association import Cluster, clusters
from catena.modeling.bootstrap import Interval, Resampling, gain_interval, metric_interval
from catena.modeling.dataset import TrainingSet, model_frame
from catena.modeling.explanation import permutation_importance
from catena.modeling.judged import Judged
from catena.modeling.selected import Ablation, Evidence, FeatureCost, SelectedFeatures, Trial, verdicts
from catena.modeling.walked import Walked


def select_features(
    data: TrainingSet, model: Model, rule: Selection, costs: Mapping[str, FeatureCost]
) -> SelectedFeatures:
    """Return which of the model's columns are kept, with the evidence for each; the same for the same arguments.

    Args:
        data: of which the training part alone is read.
        model: its recipe is fitted on each set of columns.
        rule: what counts as evidence.
        costs: of every column.

    Raises:
        ModelingError: the training part does not make a fold on which the model can be fitted.
        KeyError: a column has no cost.
    """
    if uncosted := sorted(set(model.features) - set(costs)):
        raise KeyError(f"columns {uncosted} have no cost: attribute each to a source")
    return _Selecting(Walked(data.train, model, rule), model, rule, costs).select()


class _Selecting:
    """One selection: its folds, and the scores of all columns on them."""

    def __init__(self, walked: Walked, model: Model, rule: Selection, costs: Mapping[str, FeatureCost]) -> None:
        self._walked = walked
        self._model = model
        self._rule = rule
        self._costs = costs
        self._full: Judged = walked.judged(model.features)
        # One bound alone errs as often as declared: both together twice as often.
        self._resampling = Resampling(2 * rule.confidence - 1, rule.resamples, rule.seed)

    def select(self) -> SelectedFeatures:
        rule, full = self._rule, self._full
        importance = dict(
            permutation_importance(
                full, rule.metric, self._resampling, repeats=rule.repeats, blocks=self._walked.fold_of
            )
        )
        frame = model_frame(self._walked.last_fit, self._model)
        groups = clusters(frame, self._model.categorical, rule.redundancy)
        evidence = Evidence(
            importance=importance, clusters=tuple(groups), costs=self._costs,
            speaker={column: self._speaker(group, importance) for group in groups for column in group.columns},
            ablations=(*self._ablated_sources(), *self._ablated_clusters(groups)),
        )  # fmt: skip
        trials = self._tried(self._sets(evidence))
        kept = trials[-1].columns if trials and trials[-1].is_shown else self._model.features
        walked = self._walked
        return SelectedFeatures(
            kept=tuple(kept), features=verdicts(self._model, rule, evidence, trials, kept), trials=trials,
            evidence=evidence,
            folds=tuple(
                {**fold.as_dict(), "fit_rows": rows} for fold, rows in zip(walked.folds, walked.fit_rows, strict=True)
            ),
            full=metric_interval(rule.metric, full.label, full.scores, full.day, self._resampling),
            metric=rule.metric, margin=rule.margin, seed=rule.seed,
        )  # fmt: skip

    def _gain(self, judged: Judged, resampling: Resampling) -> Interval:
        """Return what a set of columns gains over all columns, paired by day; negative where it loses."""
        full = self._full
        scores = judged.scores, full.scores
        return gain_interval(self._rule.metric, full.label, scores, full.day, resampling)

    def _ablated(self, kind: Literal["source", "cluster"], name: str, columns: Iterable[str]) -> Ablation:
        """Return what is lost when the model is fitted without a group of columns."""
        left = [column for column in self._model.features if column not in set(columns)]
        full, without = self._full, self._walked.judged(left)
        scores = full.scores, without.scores
        gain = gain_interval(self._rule.metric, full.label, scores, full.day, self._resampling)
        return Ablation(kind, name, tuple(columns), gain)

    def _ablated_sources(self) -> list[Ablation]:
        sources: dict[str, list[str]] = {}
        for column in self._model.features:
            sources.setdefault(self._costs[column].source, []).append(column)
        is_alone = len(sources) < 2
        return [] if is_alone else [self._ablated("source", name, columns) for name, columns in sources.items()]

    def _ablated_clusters(self, groups: list[Cluster]) -> list[Ablation]:
        return [
            self._ablated("cluster", group.columns[0], group.columns)
            for group in groups
            if 1 < len(group.columns) < len(self._model.features)
        ]

    def _speaker(self, group: Cluster, importance: Mapping[str, Interval]) -> str:
        """Return the column that stands for its cluster: of those within a standard error of the best, the cheapest."""
        columns = [column for column in group.columns if column in self._rule.required] or list(group.columns)
        best = max(columns, key=lambda column: importance[column].estimate or 0.0)
        reach = (importance[best].estimate or 0.0) - (importance[best].standard_error or 0.0)
        near = [column for column in columns if (importance[column].estimate or 0.0) >= reach]
        return min(near, key=lambda column: (self._costs[column].price, -(importance[column].estimate or 0.0)))

    def _sets(self, evidence: Evidence) -> list[tuple[str, tuple[str, ...]]]:
        """Return the sets to try, the smallest first; each is a part of the next one."""
        rule = self._rule
        required = set(rule.required)
        redundant = {column for column, speaker in evidence.speaker.items() if column != speaker} - required
        weak = [
            column for column in self._model.features
            if column not in redundant | required and not evidence.is_shown(column, rule.minimum_gain)
        ]  # fmt: skip
        weak.sort(key=lambda column: evidence.importance[column].estimate or 0.0)
        dear = {
            column for ablation in evidence.idle_sources(rule.minimum_gain) for column in ablation.columns
        } - required  # fmt: skip
        steps = [
            ("without redundant columns", redundant),
            ("without the weaker half of the columns that are not shown to help", set(weak[: len(weak) // 2])),
            ("without any column that is not shown to help", set(weak)),
            ("without sources that are not shown to help", dear),
        ]
        found: list[tuple[str, tuple[str, ...]]] = []
        gone: set[str] = set()
        for what, columns in steps:
            gone |= columns
            left = tuple(column for column in self._model.features if column not in gone)
            before = found[-1][1] if found else self._model.features
            if left and left != before:
                found.append((what, left))
        return found[::-1]

    def _tried(self, sets: list[tuple[str, tuple[str, ...]]]) -> tuple[Trial, ...]:
        """Return the sets that were tried, up to the first that is shown not to lose."""
        tried: list[Trial] = []
        for what, columns in sets:
            error = (1 - self._rule.confidence) / len(sets)
            resampling = replace(self._resampling, confidence=1 - 2 * error)
            gain = self._gain(self._walked.judged(columns), resampling)
            tried.append(Trial(what, columns, gain, gain.low is not None and gain.low >= -self._rule.margin))
            if tried[-1].is_shown:
                break
        return tuple(tried)
