"""The score card of a policy that a backtest kept, after what the chain does beside the way to serving.

A policy's life is search, training, decision, scoring and measuring: nothing else decides what serves. Exploration,
replay, model cards, the age of models, drills and reports follow here, month by month and by the functions of the
links; what was done before is not done again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catena.backtest.ground import Ground, ground_settings
from catena.backtest.life import under
from catena.backtest.plan import Policy
from catena.chain.deploying.drill import drill_rollback
from catena.chain.exploring.explore import explore
from catena.chain.proving.card import issue_cards
from catena.chain.proving.staleness import measure_staleness
from catena.chain.score_card.card import ScoreCard, issue_score_card, score_card
from catena.chain.score_card.evidence import gather
from catena.chain.training.replay import replay_what_waits
from catena.chain.watching.report import issue_report
from catena.declaration import Calendar, UseCase
from catena.governance.releases import PLATFORM, record_release
from catena.partitions import month_of, months, period_key
from catena.platform.release import release_facts
from catena.run import Outcome, Run
from catena.workspace import Workspace

Announce = Callable[[str], None]


class NotKept(LookupError):
    """No installation of this policy was left behind."""


@dataclass(frozen=True)
class Scored:
    """The card of a policy, and where it was written."""

    card: ScoreCard
    issued: Outcome


def card_of_policy(real: Workspace, usecase: UseCase, calendar: Calendar, policy: Policy, announce: Announce) -> Scored:
    """Return the score card of a policy that was kept, with all evidence of its months.

    Args:
        real: the installation in which the backtest ran.
        calendar: the days of the backtest.

    Raises:
        NotKept: the backtest was made without `--keep`.
    """
    period = period_key(calendar.first, str(calendar.last))
    work = real.settings.home / "backtests" / usecase.name / period
    settings = ground_settings(real.settings, work, policy.name)
    if not settings.home.exists():
        raise NotKept(f"{settings.home} is not there: catena backtest {usecase.name} --from {calendar.first} "
                      f"--to {calendar.last} --only {policy.name} --keep")  # fmt: skip
    ground = Ground(settings.model_copy(update={"test_results": real.settings.recorded_tests}))
    lived = under(policy, usecase.model_copy(update={"calendar": calendar}))
    run_id = f"backtest-{policy.name}"
    try:
        record_release(ground.ledger, Run(PLATFORM, "install", run_id), release_facts(real.settings))
        for month in months(month_of(calendar.first), month_of(str(calendar.last))):
            announce(f"{policy.says}: evidence of {month}")
            _month(ground, lived, month, run_id)
        issued = issue_score_card(ground, lived, None, Run(lived.name, "report", run_id))
        return Scored(score_card(gather(ground, lived)), issued)
    finally:
        ground.engine.dispose()


def _month(ground: Ground, usecase: UseCase, month: str, run_id: str) -> None:
    """Do for a month what the DAGs explore, train and report do beside the way to serving."""

    def run(link: str) -> Run:
        return Run(usecase.name, link, run_id)

    explore(ground, usecase, month, run("explore"))
    replay_what_waits(ground, usecase, month, run("train"))
    issue_cards(ground, usecase, month, run("report"))
    measure_staleness(ground, usecase, month, run("report"))
    drill_rollback(ground, usecase, month, run("report"))
    issue_report(ground, usecase, month, run("report"))
