"""The score card as a page, and beside it the page with its evidence: what each link of the card leads to.

What is scored, and why, belongs in `catena.chain.score_card`; the layout to the templates.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Protocol

from catena.declaration import UseCase
from catena.reports.page import ENVIRONMENT

# The words that the templates show for a score.
WORDS = {1.0: "automated", 0.5: "by hand, or in part", 0.0: "no evidence"}


class Proof(Protocol):
    """A proof of a finding."""

    @property
    def kind(self) -> str:
        """`ledger`, `page`, `test` or `table`."""

    @property
    def ref(self) -> str:
        """Which one."""

    @property
    def said(self) -> str:
        """What it shows."""

    @property
    def command(self) -> str:
        """What shows it in a terminal."""


class Found(Protocol):
    """A finding of a test."""

    @property
    def score(self) -> float:
        """1, 0.5 or 0."""

    @property
    def said(self) -> str:
        """What was found."""

    @property
    def todo(self) -> str:
        """What would produce the evidence that lacks."""

    @property
    def warning(self) -> str:
        """What it found that is not as it should be."""

    @property
    def proof(self) -> Sequence[Proof]:
        """Where it stands."""


class Scored(Protocol):
    """A card."""

    @property
    def overall(self) -> float:
        """The least of the sections."""

    @property
    def sections(self) -> dict[str, float]:
        """Sum by section."""

    @property
    def headline(self) -> str:
        """The scores in a sentence."""


class Recorded(Protocol):
    """An entry of the ledger."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def kind(self) -> Any:
        """What kind it is."""

    @property
    def subject(self) -> str:
        """What it speaks of."""

    @property
    def partition(self) -> str:
        """Of which partition."""

    @property
    def decision(self) -> str:
        """What was decided."""

    @property
    def payload(self) -> dict[str, Any]:
        """The facts behind it."""

    @property
    def run_id(self) -> str:
        """Which run entered it."""

    @property
    def code_version(self) -> str:
        """On which code."""

    @property
    def effective_at(self) -> Any:
        """Logical time."""

    @property
    def recorded_at(self) -> Any:
        """Wall time."""


Row = tuple[str, str, str, Found]


def score_card_page(usecase: UseCase, month: str, card: Scored, rows: Sequence[Row], code: str) -> str:
    """Return the card; the same findings give the same bytes.

    Args:
        rows: section, id, name and finding of each test, in order.
        code: version of the code whose tests count.
    """
    return ENVIRONMENT.get_template("score_card.html").render(
        usecase=usecase, month=month, card=card, rows=rows, words=WORDS, code=code,
        href=lambda proof: href_of(proof, usecase, month),
    )  # fmt: skip


def evidence_page(usecase: UseCase, month: str, rows: Sequence[Row], entries: Sequence[Recorded]) -> str:
    """Return the page that the card's links lead to: entries of the ledger, outcomes of tests, versions of tables."""
    proofs = {(proof.kind, proof.ref): proof for *_, found in rows for proof in found.proof}
    cited = {proof.ref for proof in proofs.values() if proof.kind == "ledger"}
    shown = [
        {
            "anchor": f"ledger-{entry.id}", "title": f"{entry.kind} of {entry.subject}, {entry.partition}",
            "decision": entry.decision, "effective": entry.effective_at, "recorded": entry.recorded_at,
            "run": entry.run_id, "code": entry.code_version,
            "payload": json.dumps(entry.payload, indent=1, sort_keys=True, default=str, ensure_ascii=False),
        }
        for entry in entries if str(entry.id) in cited
    ]  # fmt: skip
    others = [(anchor_of(proof), proof) for proof in proofs.values() if proof.kind in {"test", "table"}]
    return ENVIRONMENT.get_template("score_card_evidence.html").render(
        usecase=usecase, month=month, entries=shown, others=others
    )


def href_of(proof: Proof, usecase: UseCase, month: str) -> str:
    """Return the address of a proof, relative to the card."""
    if proof.kind == "page":
        return os.path.relpath(proof.ref, f"{usecase.name}/score-cards")
    return f"{month}-evidence.html#{anchor_of(proof)}"


def anchor_of(proof: Proof) -> str:
    """Return the place of a proof on the page of evidence."""
    return f"{proof.kind}-{''.join(each if each.isalnum() else '-' for each in proof.ref)}"
