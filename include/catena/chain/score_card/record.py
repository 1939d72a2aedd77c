"""The score card as the ledger keeps it, for decisions that look at it."""

from __future__ import annotations

from collections.abc import Mapping

from catena.declaration import UseCase
from catena.governance import Ledger
from catena.partitions import start_of

SUBJECT = "ml-test-score"


def sections_of(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the sum of the scores of each section, by the ids of the tests, such as `data-1`."""
    found: dict[str, float] = {}
    for test, score in scores.items():
        section = test.rpartition("-")[0]
        found[section] = found.get(section, 0.0) + score
    return found


def scores_before(ledger: Ledger, usecase: UseCase, effective: str) -> dict[str, float] | None:
    """Return the scores of the last card on record that speaks of a time before one, None where there is none."""
    cards = ledger.entries(usecase.name, kind="score-card", subject=SUBJECT)
    before = [card for card in cards if card.effective_at < start_of(effective)]
    return dict(before[-1].payload["scores"]) if before else None
