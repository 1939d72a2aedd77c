"""Computes the score card, writes its pages, and enters it in the ledger.

What a test looks at belongs in the modules of the four sections.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catena.chain.pages import write_index, write_page
from catena.chain.score_card import data, infrastructure, model, monitoring
from catena.chain.score_card.evidence import Evidence, gather
from catena.chain.score_card.finding import Finding
from catena.chain.score_card.record import SUBJECT, sections_of
from catena.declaration import UseCase
from catena.partitions import month_of, shift_month, start_of
from catena.reports.score_card import evidence_page, score_card_page
from catena.run import Outcome, Run
from catena.workspace import Workspace

Test = Callable[[Evidence], Finding]
# The paper's order; the names are ours.
SECTIONS: Mapping[str, tuple[tuple[str, Test], ...]] = {
    "Data": (
        ("Features have a schema", data.expectations_in_a_schema),
        ("Every feature helps", data.features_beneficial),
        ("No feature costs too much", data.no_feature_too_costly),
        ("Features keep the rules", data.features_meet_requirements),
        ("Personal data stays out", data.privacy_is_controlled),
        ("New features come quickly", data.features_added_quickly),
        ("Feature code is tested", data.feature_code_tested),
    ),
    "Model": (
        ("What a model is made by is reviewed", model.specs_reviewed),
        ("Holdout and service agree", model.offline_and_online_agree),
        ("Settings were searched for", model.hyperparameters_tuned),
        ("The effect of age is known", model.staleness_known),
        ("No simpler model is better", model.simpler_is_not_better),
        ("Slices that matter are good", model.slices_are_good),
        ("Groups are treated alike", model.inclusion_considered),
    ),
    "Infrastructure": (
        ("Training can be repeated", infrastructure.training_reproducible),
        ("Model code is tested", infrastructure.specs_unit_tested),
        ("The whole chain is tested", infrastructure.pipeline_integration_tested),
        ("Quality is checked before service", infrastructure.quality_checked_before_serving),
        ("Single predictions can be explained", infrastructure.model_is_debuggable),
        ("Versions meet real rows first", infrastructure.canaried),
        ("What serves can be taken back", infrastructure.rollback_works),
    ),
    "Monitoring": (
        ("Changes at the sources are noticed", monitoring.dependencies_notify),
        ("Inputs are checked", monitoring.input_invariants),
        ("Training and service see the same", monitoring.no_skew),
        ("What serves is not too old", monitoring.models_not_stale),
        ("Numbers stay finite", monitoring.numerically_stable),
        ("Computing costs no more", monitoring.computing_not_regressed),
        ("Quality holds in service", monitoring.quality_not_regressed),
    ),
}


@dataclass(frozen=True)
class ScoreCard:
    """The 28 findings.

    Attributes:
        findings: by test id, such as `data-1`, in order.
    """

    findings: Mapping[str, Finding]

    @property
    def scores(self) -> dict[str, float]:
        """Score of each test by its id."""
        return {test: finding.score for test, finding in self.findings.items()}

    @property
    def sections(self) -> dict[str, float]:
        """Sum of the scores of each section."""
        sums = sections_of(self.scores)
        return {section: sums[section.lower()] for section in SECTIONS}

    @property
    def overall(self) -> float:
        """The least of the sections: a chain is as ready as its weakest part."""
        return min(self.sections.values())

    @property
    def headline(self) -> str:
        """The scores in a sentence."""
        parts = ", ".join(f"{section.lower()} {score:g}" for section, score in self.sections.items())
        return f"ML Test Score {self.overall:g} of 7: {parts}."

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        names = {id_of(section, at): name for section, tests in SECTIONS.items()
                 for at, (name, _) in enumerate(tests, 1)}  # fmt: skip
        tests = {test: {"name": names[test], **finding.as_dict()} for test, finding in self.findings.items()}
        return {"overall": self.overall, "sections": self.sections, "tests": tests}


def id_of(section: str, number: int) -> str:
    """Return the id of a test, as `data-1`."""
    return f"{section.lower()}-{number}"


def score_card(evidence: Evidence) -> ScoreCard:
    """Return the findings of all tests."""
    return ScoreCard({
        id_of(section, at): test(evidence)
        for section, tests in SECTIONS.items() for at, (_, test) in enumerate(tests, 1)
    })  # fmt: skip


def issue_score_card(workspace: Workspace, usecase: UseCase, month: str | None, run: Run) -> Outcome:
    """Write the card with its evidence as pages and JSON, and enter it.

    The same findings again write nothing.

    Args:
        month: that it is filed under; None: the month of the newest scored day, or of the newest decision.
    """
    evidence = gather(workspace, usecase)
    card, month = score_card(evidence), month or _month(evidence)
    path = card_path(workspace, usecase, month)
    rows = [
        (section, id_of(section, at), name, card.findings[id_of(section, at)])
        for section, tests in SECTIONS.items() for at, (name, _) in enumerate(tests, 1)
    ]  # fmt: skip
    write_page(path, score_card_page(usecase, month, card, rows, evidence.code))
    write_page(path.with_name(f"{month}-evidence.html"), evidence_page(usecase, month, rows, evidence.entries))
    write_page(path.with_suffix(".json"), json.dumps(card.as_dict(), indent=2, ensure_ascii=False) + "\n")
    page = str(path.relative_to(workspace.settings.pages))
    is_new = workspace.ledger.append(
        run, kind="score-card", subject=SUBJECT, partition=month, decision=f"{card.overall:g} of 7",
        effective_at=start_of(shift_month(month, 1)),
        payload={"scores": card.scores, "sections": card.sections, "overall": card.overall, "code": evidence.code,
                 "headline": card.headline, "path": page,
                 "said": {test: finding.said for test, finding in card.findings.items()},
                 "amiss": {test: finding.warning for test, finding in card.findings.items() if finding.warning}},
    )  # fmt: skip
    write_index(workspace)
    details = {"path": str(path), "headline": card.headline, "sections": card.sections}
    return Outcome("published" if is_new else "unchanged", card.headline, (month,), details=details)


def card_path(workspace: Workspace, usecase: UseCase, month: str) -> Path:
    """Return where the card of a month is kept."""
    return workspace.pages(usecase, "score-cards") / f"{month}.html"


def _month(evidence: Evidence) -> str:
    if evidence.scored is not None:
        return month_of(evidence.scored)
    trained = evidence.of("candidate", "model")
    return trained[-1].partition if trained else month_of(evidence.usecase.calendar.first)
