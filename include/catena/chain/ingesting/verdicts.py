"""Verdicts of an ingest: put together by partition, written as pages, and recorded in the ledger.

How rules are evaluated belongs in `catena.quality`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catena.chain.ingesting.quarantine import effective_at
from catena.declaration import Dataset, Fresh, Rule, UseCase, Volume
from catena.governance import Fact
from catena.lake import Lake
from catena.partitions import DAY, days, shift_day
from catena.quality.rules import rule_name
from catena.quality.verdict import Failures, RuleResult, Verdict, results_of
from catena.reports.verdict import render
from catena.run import Run
from catena.sources import Delivery, SourceFault
from catena.workspace import Workspace


@dataclass(frozen=True)
class RowTypes:
    """What the rules found in all partitions of a pass."""

    rules: Sequence[Rule]
    failures: Sequence[Failures]
    whole: Mapping[str, tuple[RuleResult, ...]]
    taken: npt.NDArray[np.bool_]


def means_of(lake: Lake, dataset: Dataset, arrived: Mapping[str, int]) -> Callable[[str, int], float | None]:
    """Return the mean rows of the days before a day, as they stand in the lake or come in the same pass."""
    needed = dataset.is_partitioned and any(isinstance(rule, Volume) for rule in dataset.rules)
    counts = {**(lake.row_counts(dataset.clean[0].table) if needed else {}), **arrived}

    def mean(partition: str, trailing_days: int) -> float | None:
        if not DAY.fullmatch(partition):
            return None
        keys = days(shift_day(partition, -trailing_days), shift_day(partition, -1))
        found = [counts[key] for key in keys if counts.get(key)]
        return sum(found) / len(found) if found else None

    return mean


def verdicts_of(
    dataset: Dataset,
    deliveries: Sequence[Delivery],
    offsets: Mapping[str, int],
    found: RowTypes,
    unread: tuple[Sequence[str], Mapping[str, SourceFault]],
) -> dict[str, Verdict]:
    """Return the verdict on each partition: delivered, absent, or not readable."""
    absent, faulty = unread
    verdicts = {item.partition: _verdict(dataset, item, offsets[item.partition], found) for item in deliveries}
    for key in absent:
        verdicts[key] = Verdict(dataset.name, key, f"{_source(dataset, key)} (absent)", "", (), 0, 0, is_absent=True)
    for key, fault in faulty.items():
        result = RuleResult(fault.rule, "fail", "", fault.problem, False)
        verdicts[key] = Verdict(dataset.name, key, fault.source, fault.checksum, (result,), 0, 0, advice=fault.advice)
    return verdicts


def _source(dataset: Dataset, partition: str) -> str:
    source = dataset.source
    return source.path.format(partition=partition) if source.kind == "file" else source.connection


def _verdict(dataset: Dataset, delivery: Delivery, first: int, found: RowTypes) -> Verdict:
    count = delivery.rows.num_rows
    lines = np.concatenate([np.zeros(first, np.int64), delivery.line_numbers.to_numpy()])
    on_rows = [rule for rule in found.rules if not isinstance(rule, (Volume, Fresh))]
    stated = [
        RuleResult(rule_name(rule), rule.severity, getattr(rule, "column", ""), rule.reason, True) for rule in on_rows
    ]
    results = list(
        results_of(
            found.failures, found.whole.get(delivery.partition, ()), stated, np.arange(first, first + count), lines
        )
    )
    if delivery.malformed:
        shown = tuple(f"line {bad.line_number}: {bad.reason}" for bad in delivery.malformed[:5])
        results.insert(
            0,
            RuleResult("malformed", "quarantine", "", "The line is no row.", False, len(delivery.malformed), "", shown),
        )
    taken = int(found.taken[first : first + count].sum()) + len(delivery.malformed)
    arrived = count + len(delivery.malformed)
    if arrived == taken:
        results.insert(0, RuleResult("rows_left", "fail", "", "No row is left: all are broken.", False, taken))
    return Verdict(
        dataset.name,
        delivery.partition,
        delivery.source,
        delivery.checksum,
        tuple(results),
        arrived,
        taken,
        warnings=delivery.warnings,
    )


def record(workspace: Workspace, usecase: UseCase, run: Run, verdicts: Mapping[str, Verdict]) -> dict[str, str]:
    """Write each verdict's page and its ledger entry; return the pages by partition."""
    pages: dict[str, str] = {}
    facts: list[Fact] = []
    folder = workspace.pages(usecase, "quality")
    for dataset in {verdict.dataset for verdict in verdicts.values()}:
        (folder / dataset).mkdir(parents=True, exist_ok=True)
    for key, verdict in sorted(verdicts.items()):
        page = folder / verdict.dataset / f"{key}.html"
        page.write_text(render(verdict, usecase.title), encoding="utf-8")
        pages[key] = str(page)
        said = _payload(verdict, str(page))
        facts.append(Fact("quality", verdict.dataset, key, verdict.decision, effective_at(usecase, key), said))
    workspace.ledger.append_all(run, facts)
    return pages


def _payload(verdict: Verdict, page: str) -> dict[str, Any]:
    rules = [
        {
            "rule": result.rule,
            "severity": result.severity,
            "column": result.column,
            "success": result.success,
            "failed_rows": result.failed_rows,
            "observed": result.observed,
        }
        for result in verdict.results
    ]
    return {
        "rules": rules,
        "rows_in": verdict.rows_in,
        "rows_published": verdict.rows_published,
        "rows_quarantined": verdict.rows_quarantined,
        "source_file": verdict.source,
        "source_checksum": verdict.checksum,
        "page": page,
    }


def refusal(dataset: str, refused: Mapping[str, Verdict], pages: Mapping[str, str]) -> str:
    """Return what is wrong with the refused partitions, by rule, with their pages; ten of them at most."""
    shown = [
        f"{key}: "
        + "; ".join(
            f"{result.rule}: {result.reason} {result.observed}".strip()
            for result in verdict.broken()
            if result.severity == "fail"
        )
        + f" ({pages[key]})"
        for key, verdict in list(refused.items())[:10]
    ]
    more = f" and {len(refused) - 10} more" if len(refused) > 10 else ""
    return f"{dataset}: {len(refused)} partitions refused. {' '.join(shown)}{more}"


def entry_checksums(workspace: Workspace, usecase: UseCase, dataset: str, partitions: Sequence[str]) -> dict[str, str]:
    """Return, for each partition whose last verdict let it be published, the checksum of the delivery it judged."""
    only = partitions[0] if len(partitions) == 1 else None
    last = {
        entry.partition: entry
        for entry in workspace.ledger.entries(usecase.name, kind="quality", subject=dataset, partition=only)
    }
    return {key: entry.payload["source_checksum"] for key, entry in last.items() if entry.decision != "FAIL"}
