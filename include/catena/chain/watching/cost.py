"""What the links cost: CPU seconds and rows by link and month, from what commits and the ledger recorded.

A commit says what its run had spent by then; a link that writes no table enters it in the ledger. A month's sums, with
those of the month before, are an entry of their own: the report cites it, and the score card compares the months.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from catena.declaration import UseCase
from catena.lake import WHOLE
from catena.partitions import days_of_period, month_of, shift_month, start_of
from catena.run import Outcome, Run
from catena.workspace import Workspace

# These publish no table of the lake.
WITHOUT_TABLE = frozenset({"train", "promote", "report", "explore"})
_SUBJECT = "cost:"
LINKS = "links"


@dataclass
class Cost:
    """What a link cost for the days of a month, over all its runs.

    Attributes:
        month: of the partitions; `whole` for tables without.
        rows: published, as far as commits account for them.
    """

    month: str
    link: str
    runs: int = 0
    cpu_s: float = 0.0
    rows: int = 0


def record_cost(workspace: Workspace, run: Run, key: str, outcome: Outcome) -> None:
    """Enter what a link without a table cost, where it did something."""
    if run.link not in WITHOUT_TABLE or outcome.status != "published":
        return
    month = month_of(days_of_period(key)[0])
    workspace.ledger.append(
        run, kind="health", subject=f"{_SUBJECT}{run.link}", partition=month, decision="MEASURED",
        effective_at=start_of(month), payload={"cpu_s": run.cpu_s, "key": key, "run": run.run_id},
    )  # fmt: skip


def costs(workspace: Workspace, usecase: UseCase) -> list[Cost]:
    """Return the costs by month and link, in order; commits from before they recorded CPU are left out."""
    lake = workspace.lake(usecase)
    spent: dict[tuple[str, str, str], float] = {}
    rows: dict[tuple[str, str], int] = {}
    for table in lake.tables:
        for commit in lake.history(table):
            if commit.get("catena.cpu_s") is None:
                continue
            month, link = _month(commit), str(commit["catena.link"])
            # A run may commit several times: what it had spent by the last commit is what it cost.
            run = (month, link, f"{commit['catena.run_id']}/{commit['catena.partitions']}")
            spent[run] = max(spent.get(run, 0.0), float(commit["catena.cpu_s"]))
            rows[month, link] = rows.get((month, link), 0) + _rows(commit)
    for entry in workspace.ledger.entries(usecase.name, kind="health"):
        if entry.subject.startswith(_SUBJECT):
            run = (entry.partition, entry.subject.removeprefix(_SUBJECT), f"{entry.payload['run']}/{entry.id}")
            spent[run] = float(entry.payload["cpu_s"])
    found: dict[tuple[str, str], Cost] = {}
    for (month, link, _run), cpu_s in spent.items():
        cost = found.setdefault((month, link), Cost(month, link, rows=rows.get((month, link), 0)))
        cost.runs, cost.cpu_s = cost.runs + 1, round(cost.cpu_s + cpu_s, 3)
    return [found[key] for key in sorted(found)]


def enter_costs(workspace: Workspace, usecase: UseCase, month: str, run: Run) -> bool:
    """Enter what each link cost for a month so far, beside the month before; return whether anything was new.

    Rows of a training are those that it was fitted on; of other links those that they published. A link that counts no
    rows has no cost by rows.
    """
    by_month: dict[str, dict[str, Cost]] = {}
    for cost in costs(workspace, usecase):
        by_month.setdefault(cost.month, {})[cost.link] = cost
    now, before = by_month.get(month, {}), by_month.get(shift_month(month, -1), {})
    if not now:
        return False
    found = []
    for link in sorted({*now, *before}):
        here, there = now.get(link, Cost(month, link)), before.get(link)
        rows = _fitted_rows(workspace, usecase, month) if link == "train" else here.rows
        found.append({
            "link": link, "runs": here.runs, "cpu_s": here.cpu_s, "rows": rows or None,
            "cpu_per_1000": round(1000 * here.cpu_s / rows, 4) if rows and here.runs else None,
            "before_cpu_s": None if there is None else there.cpu_s,
        })  # fmt: skip
    return workspace.ledger.append(
        run, kind="cost", subject=LINKS, partition=month, decision="MEASURED",
        effective_at=start_of(shift_month(month, 1)), payload={"links": found},
    )  # fmt: skip


def _fitted_rows(workspace: Workspace, usecase: UseCase, month: str) -> int:
    """Return the rows that the runs of a month's training were fitted on: one that comes late trains more than one."""
    runs = {
        entry.payload["run"]
        for entry in workspace.ledger.entries(usecase.name, kind="health", subject=f"{_SUBJECT}train", partition=month)
    }
    return sum(
        int((entry.payload.get("dataset") or {}).get("train_rows") or 0)
        for entry in workspace.ledger.entries(usecase.name, kind="candidate", subject="model")
        if entry.run_id in runs
    )


def _month(commit: dict[str, Any]) -> str:
    parts = [str(part).partition("/")[0] for part in json.loads(commit["catena.partitions"])]
    return min(parts)[: len("2013-01")] if parts and parts[0] != WHOLE else WHOLE


def _rows(commit: dict[str, Any]) -> int:
    accounting = json.loads(commit["catena.accounting"])
    return int(accounting["rows_published"]) if accounting else 0
