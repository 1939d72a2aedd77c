"""Outcomes of tests as evidence: only those that were recorded on the code that is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catena.chain.score_card.finding import Finding, Link, absent, automated

MAKE = "make test"


@dataclass(frozen=True)
class TestRecord:
    """The last outcome of each test on the installed code.

    Attributes:
        outcomes: test id -> `passed`, `failed` or `skipped`.
        stale: how many were recorded on other code, and so say nothing.
    """

    __test__ = False  # no test of pytest's

    code: str
    outcomes: Mapping[str, str] = field(default_factory=dict)
    stale: int = 0

    def below(self, *paths: str) -> dict[str, str]:
        """Return the outcomes of the tests whose id begins with one of these; skipped ones left out."""
        return {
            test: outcome
            for test, outcome in sorted(self.outcomes.items())
            if test.startswith(paths) and outcome != "skipped"
        }


def read_results(file: Path, code: str) -> TestRecord:
    """Return what is recorded in a file; nothing where there is none."""
    if not file.exists():
        return TestRecord(code)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    mine = {line["test"]: line["outcome"] for line in lines if line["code"] == code}
    return TestRecord(code, mine, sum(line["code"] != code for line in lines))


def by_tests(record: TestRecord, what: str, paths: Sequence[str]) -> Finding:
    """Return 1 where tests of each of the paths are recorded on the installed code and all passed, else 0.

    Args:
        what: what they test, as the beginning of a sentence.
    """
    found = record.below(*paths)
    failed = [test for test, outcome in found.items() if outcome != "passed"]
    if failed:
        proof = tuple(outcome_link(test, record) for test in failed[:3])
        return absent(f"{what}: {len(failed)} of {len(found)} tests failed.", MAKE, *proof)
    if unheard := [path for path in paths if not record.below(path)]:
        older = f" ({record.stale} outcomes are of other code)" if record.stale else ""
        of = ", ".join(unheard)
        return absent(f"{what}: no outcome of {of} is recorded on the installed code {record.code}{older}.", MAKE)
    shown = tuple(outcome_link(test, record) for test in list(found)[:3])
    return automated(f"{what}: {len(found)} tests passed on the installed code.", *shown)


def outcome_link(test: str, record: TestRecord) -> Link:
    """Return the link to the outcome of a test."""
    return Link("test", test, record.outcomes[test], f"python -m pytest '{test}'")
