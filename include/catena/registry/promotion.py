"""The decision on what serves: challenger, champion and baseline, compared on the same rows of the same days. Pure.

All numbers must come from the same evaluation: comparing a stored champion score with a fresh challenger score rewards
drift, not a better model. Measuring belongs in `catena.chain.deciding.gate`, recording in `.promote` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from catena.declaration import Gate
from catena.modeling.behaviour import Behaviour
from catena.modeling.bootstrap import Interval
from catena.registry.checks import Check, Rehearsal, Status, Verdict, rehearses

# The comparisons that a promotion rests on.
GAINS = {"beats_baseline", "beats_champion", "not_worse_than_champion"}
_SEVERITY: tuple[Verdict, ...] = ("PROMOTE", "HOLD", "REJECT")


@dataclass(frozen=True)
class Decision:
    """What the most severe check asks for; HOLD and REJECT both leave what serves in place."""

    decision: Verdict
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> list[str]:
        """The sentences that decided, the most severe first; of a promotion what was gained, and how the rest went."""
        against = sorted(
            (check for check in self.checks if check.asks != "PROMOTE"),
            key=lambda check: _SEVERITY.index(check.asks),
            reverse=True,
        )
        return [check.reason for check in against] or self._for_it()

    def _for_it(self) -> list[str]:
        gains = [check.reason for check in self.checks if check.name in GAINS]
        rest = [check for check in self.checks if check.name not in GAINS]
        count = {status: sum(check.status == status for check in rest) for status in ("passed", "failed", "not judged")}
        if not rest:
            return gains
        said = [f"{count['passed']} further checks, of slices, limits and behaviour, passed"]
        if count["not judged"]:
            said.append(f"{count['not judged']} could not be judged and have no veto")
        # What failed and did not stand in the way has no veto either, and is named.
        failed = [check.reason for check in rest if check.status == "failed"]
        return [*gains, f"{'; '.join(said)}.", *failed]

    def as_dict(self) -> dict[str, Any]:
        """Return the checks as JSON-ready values."""
        return {"checks": [asdict(check) for check in self.checks], "reasons": self.reasons}


@dataclass(frozen=True)
class Comparison:
    """What was measured of a challenger, on one holdout.

    Attributes:
        over_baseline: its gain over the baseline; None where there is no baseline.
        over_champion: its gain over the champion; None where no model serves yet.
        is_refresh: whether it is the champion's own recipe on newer data.
        shown_by: the searches, the newest first, that showed its recipe to be better than the champion's.
        slices: column -> value -> gain over the champion.
        ece: expected calibration error; None where the holdout does not define it.
        scoring_ms: time to score 1,000 rows, the median of repeats.
        columns: columns it takes -> type, and the same of the champion.
        offered: columns -> type, besides the champion's, that consumers know since a search could choose them.
        behaviour: how it came out of the declared behaviour tests.
        score: of the last score card before, the least of its sections; None where there is none.
        rehearsal: how its registered file scored real rows; None where that was not tried.
    """

    over_baseline: Interval | None
    over_champion: Interval | None
    is_refresh: bool = False
    shown_by: Sequence[str] = ()
    slices: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    ece: float | None = None
    scoring_ms: float = 0.0
    size_mb: float = 0.0
    columns: Mapping[str, str] = field(default_factory=dict)
    champion_columns: Mapping[str, str] | None = None
    offered: Mapping[str, str] = field(default_factory=dict)
    behaviour: Sequence[Behaviour] = ()
    rows_in: int = 0
    rows_quarantined: int = 0
    failed: Sequence[str] = ()
    score: float | None = None
    rehearsal: Rehearsal | None = None


def decide(gate: Gate, found: Comparison | None, failure: str = "") -> Decision:
    """Return whether the challenger serves from now on.

    Args:
        gate: the declared conditions.
        found: what was measured; None where there is no challenger.
        failure: why there is none.
    """
    if found is None:
        reason = f"There is no challenger: {failure or 'training failed'}."
        return _decided([Check("trained", "failed", "HOLD", reason)])
    checks = [_beats_baseline(gate, found.over_baseline, is_model_serving=found.over_champion is not None)]
    if found.over_champion is not None:
        checks.append(_beats_champion(gate, found.over_champion, found))
    if gate.slice_margin is not None:
        checks += [
            _slice(gate.slice_margin, f"{column} {value}", gain)
            for column, values in found.slices.items()
            for value, gain in values.items()
        ]
    checks += _limits(gate, found)
    checks += [_behaves(test) for test in found.behaviour]
    if found.rehearsal is not None:
        checks.append(rehearses(found.rehearsal))
    if found.champion_columns is not None:
        checks.append(_fits(found.columns, found.champion_columns, found.offered))
    return _decided([*checks, *_data_quality(gate, found), *_readiness(gate, found)])


def _decided(checks: Sequence[Check]) -> Decision:
    return Decision(max((check.asks for check in checks), key=_SEVERITY.index), tuple(checks))


def _beats_baseline(gate: Gate, gain: Interval | None, *, is_model_serving: bool) -> Check:
    """Judge the challenger against what needs no model.

    Where a model serves already, want of evidence has no veto: in such a week nothing could be shown of the champion,
    either, and against that one the challenger must stand. Where none does, the baseline goes on serving.
    """
    name, needed = "beats_baseline", gate.minimum_gain_over_baseline
    if gain is None:
        return Check(name, "not judged", "HOLD", "There is no baseline, so nothing can be compared.")
    what = f"Gain in {gate.metric} over the baseline"
    if gain.estimate is not None and gain.estimate <= needed:
        # Not even as it stands is it better than what needs no model: no further evidence is waited for.
        reason = f"{what}: {said_of(gain)}; more than {needed:.4f} is needed."
        return Check(name, "failed", "REJECT", reason, gain.as_dict() | {"needed": needed})
    check = _gained(name, what, gain, needed)
    if check.asks == "HOLD" and gain.low is not None and is_model_serving:
        return replace(check, asks="PROMOTE", reason=f"{check.reason} A model serves already, so it has no veto.")
    return check


def _beats_champion(gate: Gate, gain: Interval, found: Comparison) -> Check:
    name = "not_worse_than_champion"
    if found.is_refresh and gate.refresh_margin is not None:
        # Newer data of the same kind are better unless shown otherwise: ask only that nothing is lost.
        what = f"Gain in {gate.metric} over the champion, an older model of the same recipe"
        return _gained(name, what, gain, -gate.refresh_margin)
    if found.shown_by and gate.refresh_margin is not None:
        # Shown already, on days that the search had not used and that are no part of this holdout.
        what = f"Gain in {gate.metric} over the champion, whose recipe a search has shown to be the lesser"
        check = _gained(name, what, gain, -gate.refresh_margin)
        searches = ", ".join(each.partition(":")[0] for each in found.shown_by)
        return replace(check, reason=f"{check.reason} Search {searches} showed it.",
                       numbers={**check.numbers, "shown_by": list(found.shown_by)})  # fmt: skip
    return _gained("beats_champion", f"Gain in {gate.metric} over the champion", gain, gate.minimum_gain)


def _gained(name: str, what: str, gain: Interval, needed: float) -> Check:
    numbers = gain.as_dict() | {"needed": needed}
    if gain.low is None or gain.high is None:
        return Check(name, "not judged", "HOLD", f"{what} cannot be judged: {gain.reason}.", numbers)
    said = f"{what}: {said_of(gain)}"
    claim = f"better by more than {needed:.4f}" if needed >= 0 else f"not worse by {-needed:.4f}"
    if gain.low > needed:
        return Check(name, "passed", "PROMOTE", f"{said}. It is shown to be {claim}.", numbers)
    if gain.high <= needed:
        return Check(name, "failed", "REJECT", f"{said}. It is shown not to be {claim}.", numbers)
    return Check(name, "not judged", "HOLD", f"{said}. The evidence is not enough to call it {claim}.", numbers)


def said_of(gain: Interval) -> str:
    """Return a gain with its bounds, days and rows in words."""
    if gain.low is None or gain.high is None:
        return f"{gain.estimate or 0.0:+.4f} without bounds ({gain.days} days, {gain.rows} rows)"
    return (
        f"{gain.estimate or 0.0:+.4f}, {gain.confidence:.0%} interval {gain.low:+.4f} to {gain.high:+.4f} "
        f"({gain.days} days, {gain.rows} rows)"
    )


def _slice(margin: float, which: str, gain: Interval) -> Check:
    """Judge a slice where its half width is at most the margin.

    Then a slice that loses nothing stands in the way in at most as many cases as one bound errs, and one that loses
    twice the margin is seen as often as a bound holds. A smaller slice cannot tell the two apart, and has no veto.
    """
    name = f"slice {which}"
    numbers = gain.as_dict() | {"margin": margin}
    if gain.half_width is None or gain.high is None or gain.estimate is None:
        return Check(name, "not judged", "PROMOTE", f"In {which} nothing can be judged: {gain.reason}.", numbers)
    if gain.half_width > margin:
        reason = (
            f"{which} is too small to judge a loss of {margin:.4f}: {gain.rows} rows of {gain.days} days give a half "
            f"width of {gain.half_width:.4f}. It has no veto."
        )
        return Check(name, "not judged", "PROMOTE", reason, numbers)
    said = f"Gain in {which}: {said_of(gain)}"
    if gain.estimate > -margin:
        return Check(name, "passed", "PROMOTE", f"{said}; a loss of {margin:.4f} is allowed.", numbers)
    return Check(name, "failed", "REJECT" if gain.high < -margin else "HOLD",
                 f"{said}; a loss of at most {margin:.4f} is allowed.", numbers)  # fmt: skip


def _limits(gate: Gate, found: Comparison) -> list[Check]:
    checks = []
    if gate.maximum_ece is not None and found.ece is None:
        reason = "The holdout does not define the calibration error."
        checks.append(Check("is_calibrated", "not judged", "HOLD", reason, {"maximum": gate.maximum_ece}))
    elif gate.maximum_ece is not None and found.ece is not None:
        said = f"Calibration error {found.ece:.4f}; at most {gate.maximum_ece:.4f}"
        checks.append(_limit("is_calibrated", said, found.ece, gate.maximum_ece))
    if gate.maximum_scoring_ms is not None:
        said = f"Scoring 1,000 rows takes {found.scoring_ms:.0f} ms; at most {gate.maximum_scoring_ms:.0f} ms"
        checks.append(_limit("scores_in_time", said, found.scoring_ms, gate.maximum_scoring_ms))
    if gate.maximum_size_mb is not None:
        said = f"The model's file has {found.size_mb:.1f} MB; at most {gate.maximum_size_mb:.1f} MB"
        checks.append(_limit("is_small_enough", said, found.size_mb, gate.maximum_size_mb))
    return checks


def _limit(name: str, said: str, value: float, maximum: float, breach: Verdict = "REJECT") -> Check:
    is_kept = value <= maximum
    numbers = {"value": value, "maximum": maximum}
    status: Status = "passed" if is_kept else "failed"
    return Check(name, status, "PROMOTE" if is_kept else breach, f"{said} is allowed.", numbers)


def _behaves(test: Behaviour) -> Check:
    """Refuse a challenger that is seen to misbehave where the test has a veto; few days that show nothing have none."""
    name = f"behaviour {test.name}"
    percent = test.measure == "share of rows"
    numbers = {**test.estimate.as_dict(), "limit": test.limit, "is_veto": test.is_veto}
    if test.estimate.estimate is None:
        return Check(name, "not judged", "PROMOTE", f"{test.reason} Not judged: {test.estimate.reason}.", numbers)
    found, limit = (f"{value:.1%}" if percent else f"{value:+.4f}" for value in (test.estimate.estimate, test.limit))
    what = f"{found} of {test.rows} rows obey" if percent else f"the mean score moves by {found} in that sense"
    said = f"{test.reason} In the test {test.name}, {what}; at least {limit} is needed."
    if test.verdict == "passed":
        return Check(name, "passed", "PROMOTE", said, numbers)
    if test.verdict == "failed":
        asks: Verdict = "REJECT" if test.is_veto else "PROMOTE"
        return Check(name, "failed", asks, said if test.is_veto else f"{said} It has no veto.", numbers)
    return Check(name, "not judged", "PROMOTE", f"{said} The days are too few to be sure. It has no veto.", numbers)


def _fits(columns: Mapping[str, str], taken: Mapping[str, str], offered: Mapping[str, str]) -> Check:
    """Refuse a challenger that asks its consumers for more than they know: they send what the champion takes."""
    known = {**offered, **taken}
    new = sorted(set(columns) - set(known))
    other = sorted(name for name in columns if name in known and columns[name] != known[name])
    dropped = sorted(set(taken) - set(columns))
    numbers = {"new": new, "of_other_type": other, "dropped": dropped}
    if new or other:
        reason = f"Consumers of the champion do not know the columns {new}, and know {other} by another type."
        return Check("fits_consumers", "failed", "REJECT", reason, numbers)
    return Check("fits_consumers", "passed", "PROMOTE", f"It takes {len(columns)} columns, all known to consumers of "
                 "the champion.", numbers)  # fmt: skip


def _data_quality(gate: Gate, found: Comparison) -> list[Check]:
    """Hold on bad data: the model may be right, but it was learned from what nobody should trust."""
    checks = []
    if gate.maximum_quarantined_share is not None:
        share = found.rows_quarantined / found.rows_in if found.rows_in else 0.0
        said = (
            f"{found.rows_quarantined} of {found.rows_in} rows of the training window are in quarantine ({share:.2%}); "
            f"at most {gate.maximum_quarantined_share:.2%}"
        )
        checks.append(_limit("few_quarantined", said, share, gate.maximum_quarantined_share, "HOLD"))
    if gate.maximum_failed_days is not None:
        named = f" ({', '.join(found.failed[:5])})" if found.failed else ""
        count = len(found.failed)
        said = f"{count} deliveries of the training window failed{named}; at most {gate.maximum_failed_days}"
        checks.append(_limit("few_failed", said, count, gate.maximum_failed_days, "HOLD"))
    return checks


def _readiness(gate: Gate, found: Comparison) -> list[Check]:
    """Hold where the chain itself is less ready than is asked: by the score card before the decision."""
    if gate.minimum_score is None:
        return []
    numbers = {"value": found.score, "minimum": gate.minimum_score}
    if found.score is None:
        return [Check("is_ready", "not judged", "HOLD", "No ML Test Score is on record from before.", numbers)]
    is_kept = found.score >= gate.minimum_score
    said = f"ML Test Score {found.score:g} of 7; at least {gate.minimum_score:g} is asked for."
    return [Check("is_ready", "passed" if is_kept else "failed", "PROMOTE" if is_kept else "HOLD", said, numbers)]
