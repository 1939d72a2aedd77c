"""One policy lives through the days: each month scored and measured, then decided, by the links themselves.

Months follow each other, and no step sees days beyond its horizon. Within a month it is as with a backfill: what the
guard or an alarm finds on a day takes effect on the day after it was known, and the days from then on are made again.
What a backtest compares belongs in `catena.backtest.plan`, its figures in `catena.backtest.figures`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from catena.backtest.ground import Ground
from catena.backtest.plan import Policy
from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying.deployments import Deployments
from catena.chain.readiness import until_settled
from catena.chain.scoring.score import score_partition
from catena.chain.training.search import search_what_waits
from catena.chain.training.train import record_candidate, train_candidate
from catena.chain.training.training_data import effect_of, training_key
from catena.chain.watching.alarms import month_ends, raise_alarms, unanswered
from catena.chain.watching.guard import check_guard
from catena.chain.watching.monitor import monitor_partition
from catena.declaration import Gate, UseCase
from catena.partitions import days, last_day_of, month_of, months, parse_day, shift_month, start_of
from catena.run import Outcome, Run

Announce = Callable[[str], None]
SUNDAY = 6
_BOUNDLESS = 1e9
_ROUNDS = 40


class NeverEnds(RuntimeError):
    """A month in which the policy changes what serves again and again."""


def under(policy: Policy, usecase: UseCase) -> UseCase:
    """Return a use case as a policy has it: without a gate every challenger passes, without a guard none goes.

    No alarm asks for a training but by a policy on drift.
    """
    watched: dict[str, Any] = {"retraining": policy.for_usecase(usecase).retraining}
    if not policy.guard:
        watched["guard"] = None
    # Also where the installation trains nothing: a policy has a registry of its own.
    changes: dict[str, Any] = {"monitoring": usecase.monitoring.model_copy(update=watched), "trains": True}
    if not policy.gate:
        changes["gate"] = Gate(
            metric=usecase.gate.metric, minimum_gain=-_BOUNDLESS, minimum_gain_over_baseline=-_BOUNDLESS,
            resamples=100,
        )  # fmt: skip
    return usecase.model_copy(update=changes)


@dataclass
class Cost:
    """CPU seconds of this process: of each training by its key, and of all else by link."""

    trainings: dict[str, float] = field(default_factory=dict)
    links: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


class Life:
    """A policy's life through the calendar of the use case.

    Args:
        ground: with the tables that no policy changes.
        usecase: as it is declared, with the days of the backtest as its calendar.
        announce: hears where it stands.
    """

    def __init__(self, ground: Ground, usecase: UseCase, policy: Policy, announce: Announce) -> None:
        self._ground = ground
        self._usecase = under(policy, usecase)
        self._policy = policy
        self._announce = announce
        self._first, self._last = usecase.calendar.first, str(usecase.calendar.last)
        self.cost = Cost()

    def live(self) -> None:
        """Live through all days.

        Raises:
            NeverEnds: what serves in a month never settles.
        """
        for month in months(month_of(self._first), month_of(self._last)):
            self._announce(f"{self._policy.says}: {month}")
            if month != month_of(self._first):
                self._serve(month)
            if shift_month(month, 1) <= month_of(self._last):
                self._close(month)
        self._ground.horizon = None

    def _serve(self, month: str) -> None:
        """Train within the month where the policy says so, score and measure its days, until nothing changes."""
        if self._policy.retrain == "weekly":
            for day in self._sundays(month):
                self._retrain(day)
        for _ in range(_ROUNDS):
            self._ground.horizon = self._end_of(month)
            self._timed("score", lambda: score_partition(self._ground, self._usecase, month, self._run("score")))
            self._timed("monitor", lambda: until_settled(
                lambda: monitor_partition(self._ground, self._usecase, month, self._run("monitor"))))  # fmt: skip
            found = self._timed("guard", lambda: check_guard(self._ground, self._usecase, self._run("monitor")))
            if found.status == "published":
                self._promote(found.details["rollback"]["decided"])
            elif (asked := self._asked_for(month)) is not None:
                self._retrain(asked)
            else:
                return
        raise NeverEnds(f"what serves in {month} under {self._policy.name!r} still changes after {_ROUNDS} rounds")

    def _close(self, month: str) -> None:
        """Decide what serves in the next month: by a training, or by going on."""
        is_first = month == month_of(self._first)
        if is_first or self._policy.is_monthly:
            self._retrain(month)
        elif self._ground.ledger.last(self._usecase.name, "candidate", "model", partition=month) is None:
            self._go_on(month)

    def _retrain(self, key: str) -> None:
        """Search where that is due, train a month, or a day off schedule, and let the gate decide."""
        self._ground.horizon = min(last_day_of(key), self._last)
        before = time.process_time()
        search_what_waits(self._ground, self._usecase, month_of(last_day_of(key)), self._run("search"))
        self.cost.links["search"] += time.process_time() - before
        before = time.process_time()
        train_candidate(self._ground, self._usecase, key, self._run("train"))
        self.cost.trainings[training_key(key)] = time.process_time() - before
        self._promote(key)

    def _promote(self, key: str) -> None:
        self._timed("promote", lambda: promote_candidate(self._ground, self._usecase, key, self._run("promote")))

    def _go_on(self, month: str) -> None:
        """Enter that a month is not trained, and that what serves goes on serving."""
        ledger, why = self._ground.ledger, "The policy trains no model on this month."
        deployments = Deployments(ledger, self._usecase)
        effective = effect_of(month)
        before = deployments.decision(deployments.decided[-1])
        record_candidate(ledger, month, self._run("train"), "SKIPPED",
                         {"model_version": None, "metrics": {}, "reason": why})  # fmt: skip
        ledger.append(
            self._run("promote"), kind="promotion", subject="model", partition=effective, decision="HOLD",
            effective_at=start_of(effective),
            payload={"serves": deployments.incumbent(effective), "challenger": None, "champion": None,
                     "baseline": before.payload["baseline"] if before else None, "checks": [], "reasons": [why],
                     "training_month": month, "is_breakdown": False},
        )  # fmt: skip

    def _sundays(self, month: str) -> Iterator[str]:
        span = days(f"{month}-01", min(last_day_of(month), self._last))
        return (day for day in span if parse_day(day).weekday() == SUNDAY)

    def _asked_for(self, month: str) -> str | None:
        """Return the next day in the month at whose end alarms ask for a training, None where there is none."""
        if not self._policy.is_on_drift:
            return None
        cuts = month_ends if self._policy.is_monthly else _first_month_end
        self._timed("monitor", lambda: raise_alarms(self._ground, self._usecase, self._run("monitor"), cuts))
        waiting = unanswered(self._ground.ledger, self._usecase)
        return waiting[0] if waiting and waiting[0] <= self._end_of(month) else None

    def _end_of(self, month: str) -> str:
        return min(last_day_of(month), self._last)

    def _run(self, link: str) -> Run:
        return Run(self._usecase.name, link, f"backtest-{self._policy.name}")

    def _timed(self, link: str, act: Callable[[], Outcome]) -> Outcome:
        before = time.process_time()
        outcome = act()
        self.cost.links[link] += time.process_time() - before
        return outcome


def _first_month_end(usecase: UseCase, _up_to: str) -> list[str]:
    """Return the one training that is made without being asked for."""
    return [last_day_of(month_of(usecase.calendar.first))]
