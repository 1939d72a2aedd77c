"""Runs a backtest: each policy in an installation of its own, the peers, and what is kept of it.

A run that was interrupted, or told to do one policy alone, leaves its results in the backtest's folder of work; the
next one takes them up. When all are there they become a page, a picture and JSON, and an entry in the real ledger.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from catena.backtest.figures import judged_months, labelled_month, policy_figures
from catena.backtest.ground import (
    Ground,
    bring_over,
    drop_database,
    ground_settings,
    make_registry,
    open_ground,
)
from catena.backtest.life import Life
from catena.backtest.peers import Fitted, peer_result
from catena.backtest.plan import Peer, Plan, Policy
from catena.backtest.tables import TABLES, with_tables
from catena.chain.pages import write_index, write_page
from catena.declaration import Calendar, UseCase
from catena.lake import identity_of
from catena.partitions import days, month_of, parse_day, period_key, shift_day, start_of
from catena.reports.backtest import backtest_headline, backtest_page, backtest_picture
from catena.run import Run, code_version
from catena.workspace import Workspace

Announce = Callable[[str], None]


class RangeRefused(ValueError):
    """Days over which nothing can be compared."""


@dataclass(frozen=True)
class Asked:
    """What a backtest is asked for.

    Attributes:
        first: first day, of which no model knows anything before.
        last: last day.
        out: folder of the results; None: that of the use case's pages.
        only: names of the policies and peers to do now; empty: all.
        keep: whether the policies' installations stay for a look.
    """

    first: str
    last: str
    plan: Plan
    out: Path | None = None
    only: Sequence[str] = ()
    keep: bool = False


@dataclass(frozen=True)
class Compared:
    """What a backtest came to.

    Attributes:
        missing: names that are still to be done; where there are any, nothing else is there.
    """

    missing: tuple[str, ...]
    result: dict[str, Any]
    headline: str
    page: Path | None = None
    picture: Path | None = None


def backtest(real: Workspace, usecase: UseCase, asked: Asked, announce: Announce) -> Compared:
    """Let each policy live through the days, and compare what came of it.

    Raises:
        RangeRefused: the days lie outside the calendar, or hold no month that a model could serve in.
        DaysMissing: days have no features and get none.
        KeyError: `only` names what the plan does not hold.
    """
    limited = usecase.model_copy(update={"calendar": _calendar(usecase, asked)})
    test = _Backtest(real, limited, asked, announce)
    if unknown := sorted(set(asked.only) - set(test.names)):
        raise KeyError(f"the plan holds no {', '.join(unknown)}; there are {', '.join(test.names)}")
    try:
        return _done(test)
    finally:
        test.close()


def _done(test: _Backtest) -> Compared:
    test.run()
    if missing := tuple(name for name in test.names if test.result_of(name) is None):
        return Compared(missing, {}, f"still to be done: {', '.join(missing)}")
    return test.conclude()


def _calendar(usecase: UseCase, asked: Asked) -> Calendar:
    for day in (asked.first, asked.last):
        parse_day(day)
        if not usecase.calendar.holds(day):
            raise RangeRefused(f"{day} lies outside the calendar of {usecase.name}, which begins "
                               f"{usecase.calendar.first} and ends {usecase.calendar.last or 'today'}")  # fmt: skip
    if month_of(asked.first) >= month_of(asked.last):
        raise RangeRefused(f"{asked.first} to {asked.last} has no month after the first, in which a model could serve")
    return Calendar(first=asked.first, last=asked.last)


class _Backtest:
    """One backtest, whose results are kept one by one."""

    def __init__(self, real: Workspace, usecase: UseCase, asked: Asked, announce: Announce) -> None:
        self._real = real
        self._usecase = usecase
        self._asked = asked
        self._announce = announce
        self._period = period_key(asked.first, asked.last)
        self._work = real.settings.home / "backtests" / usecase.name / self._period
        self._labelled: dict[str, pd.DataFrame] = {}

    @property
    def names(self) -> list[str]:
        """The names of all that is compared."""
        return [item.name for item in self._asked.plan.contenders]

    def run(self) -> None:
        """Do what is asked for and not done yet."""
        self._work.mkdir(parents=True, exist_ok=True)
        _ = self._source
        # Before anything is timed: it takes seconds.
        make_registry(self._real.settings, self._work, self._usecase.name)
        wanted = set(self._asked.only or self.names)
        for policy in self._asked.plan.policies:
            if policy.name in wanted and self.result_of(policy.name) is None:
                self._live(policy)
        self._fit([peer for peer in self._asked.plan.peers if peer.name in wanted
                   and self.result_of(peer.name) is None])  # fmt: skip

    def close(self) -> None:
        """Let go of the database of tables that were made, where there is one."""
        if (source := self.__dict__.get("_source")) is not None and source is not self._real:
            source.engine.dispose()

    def result_of(self, name: str) -> dict[str, Any] | None:
        """Return the result that is kept of a policy or peer, None where there is none by this code and plan."""
        file = self._file(name)
        if not file.exists():
            return None
        kept = json.loads(file.read_text(encoding="utf-8"))
        return dict(kept["result"]) if kept["stamp"] == self._stamp(name) else None

    def conclude(self) -> Compared:
        """Write page, picture, JSON and the ledger's entry, and clear the folder of work."""
        result = self._result()
        folder = self._asked.out or self._real.pages(self._usecase, "backtests") / self._period
        folder.mkdir(parents=True, exist_ok=True)
        headline = backtest_headline(result)
        picture, page = folder / "backtest.png", folder / "index.html"
        backtest_picture(result, picture)
        write_page(page, backtest_page(self._usecase, result, headline))
        write_page(folder / "backtest.json", json.dumps(result, indent=2) + "\n")
        self._enter(result, headline, page)
        write_index(self._real)
        if not self._asked.keep:
            if (self._work / TABLES).exists():
                drop_database(ground_settings(self._real.settings, self._work, TABLES))
            shutil.rmtree(self._work)
        return Compared((), result, headline, page, picture)

    # -- inside -------------------------------------------------------------------------------------------------------

    @cached_property
    def _source(self) -> Workspace:
        return with_tables(self._real, self._usecase, self._work, self._announce)

    def _live(self, policy: Policy) -> None:
        ground = open_ground(self._real.settings, self._work, policy.name)
        bring_over(self._source, ground, self._usecase)
        life = Life(ground, self._usecase, policy, self._announce)
        life.live()
        self._keep(policy.name, policy_figures(ground, self._usecase, policy, self._months(), life.cost))
        self._leave(ground)

    def _leave(self, ground: Ground) -> None:
        if self._asked.keep:
            ground.engine.dispose()
            return
        ground.close()
        shutil.rmtree(ground.settings.home)

    def _fit(self, peers: Sequence[Peer]) -> None:
        if not peers:
            return
        months: dict[str, dict[str, Any]] = {peer.name: {} for peer in peers}
        taken = dict.fromkeys(months, 0.0)
        for month, rows in self._months().items():
            self._announce(f"peers: {month}")
            fitted = Fitted(self._source, self._usecase, month)
            for peer in peers:
                months[peer.name][month], cpu_s = fitted.figures(peer, rows)
                taken[peer.name] += cpu_s
        for peer in peers:
            self._keep(peer.name, peer_result(peer, months[peer.name], taken[peer.name]))

    def _months(self) -> dict[str, pd.DataFrame]:
        if not self._labelled:
            judged = judged_months(self._usecase)
            self._labelled = {month: labelled_month(self._source, self._usecase, month) for month in judged}
        return self._labelled

    def _file(self, name: str) -> Path:
        return self._work / f"{name}.json"

    def _stamp(self, name: str) -> str:
        item = next(item for item in self._asked.plan.contenders if item.name == name)
        return f"{code_version()} {item.model_dump_json()}"

    def _keep(self, name: str, result: dict[str, Any]) -> None:
        write_page(self._file(name), json.dumps({"stamp": self._stamp(name), "result": result}))

    def _result(self) -> dict[str, Any]:
        plan, usecase = self._asked.plan, self._usecase
        lake = self._source.lake(usecase)
        span = days(self._asked.first, self._asked.last)
        names = (usecase.features.table, usecase.label.table)
        policies = [self.result_of(policy.name) or {} for policy in plan.policies]
        _settle_cost(policies)
        return {
            "usecase": usecase.name, "title": usecase.title, "kind": usecase.model.kind,
            "first": self._asked.first, "last": self._asked.last, "months": judged_months(usecase),
            "code_version": code_version(),
            "inputs": {name: {"version": lake.version(name), "identity": str(identity_of(lake.contents(name, span)))}
                       for name in names},
            "policies": policies,
            "peers": [self.result_of(peer.name) for peer in plan.peers],
            "reference": plan.reference.model_dump() if plan.reference else None,
        }  # fmt: skip

    def _enter(self, result: dict[str, Any], headline: str, page: Path) -> None:
        """Enter what was compared; without CPU times, so that the same figures are the same entry."""
        lean = {
            kind: [{name: value for name, value in each.items() if name != "cpu"} for each in result[kind]]
            for kind in ("policies", "peers")
        }
        self._real.ledger.append(
            Run(self._usecase.name, "backtest", f"backtest-{self._period}"),
            kind="backtest", subject="policies", partition=self._period, decision="COMPARED",
            effective_at=start_of(shift_day(self._asked.last, 1)),
            payload={**result, **lean, "headline": headline, "reason": headline, "path": self._path(page)},
        )  # fmt: skip

    def _path(self, page: Path) -> str:
        """Return where a page is for those who read the index; a folder of one's own is named in full."""
        pages = self._real.settings.pages.resolve()
        found = page.resolve()
        return str(found.relative_to(pages)) if found.is_relative_to(pages) else found.as_uri()


def _settle_cost(policies: Sequence[dict[str, Any]]) -> None:
    """Count each training in full for each policy that needed it: the registry spares those who come later a fit."""
    needed: dict[str, float] = {}
    for policy in policies:
        for key, seconds in policy["cpu"]["trainings"].items():
            needed[key] = max(seconds, needed.get(key, 0.0))
    for policy in policies:
        training_s = sum(needed[key] for key in policy["cpu"]["trainings"])
        others = {f"{link}_s": seconds for link, seconds in policy["cpu"]["links"].items()}
        policy["cpu"] = {"train_s": training_s, **others, "total_s": training_s + sum(others.values())}
