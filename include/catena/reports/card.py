"""The model card: what a version is for, how it was proved, where it served, as one self-contained page.

Every number cites the place in the facts that it was taken from; the page carries them, with the digest of the proof.
Where facts come from belongs in `catena.chain.proving.card`, the layout to `templates/card.html`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from catena.declaration import UseCase
from catena.reports.card_charts import calibration_chart, loss_chart
from catena.reports.evidence import EvidenceMissing, as_script, evidence_of, numbers_of
from catena.reports.page import ENVIRONMENT, MEASURES
from catena.reports.words import unit_words, value_kinds, worded

_SHOWN_COLUMNS = 15
# Smaller is better, said where it is read.
_NOTES = {
    "roc_auc": "share of pairs in the right order; 0.5 is chance, 1 is perfect",
    "pr_auc": "mean precision over all shares of events found; the base rate is chance",
    "brier": "mean squared distance of probability and outcome; smaller is better",
    "log_loss": "surprise at the outcomes; smaller is better",
    "ece": "mean distance of predicted and realised share in ten bins; smaller is better",
    "mae": "mean error; smaller is better",
    "rmse": "root mean squared error; smaller is better",
}
_VERDICTS = {
    "passed": "passed", "failed": "failed", "not shown": "not shown: too few days to tell", "not judged": "not judged",
}  # fmt: skip
_FAIRNESS = {
    "false_negative_rate": "share of events that were not foreseen",
    "calibration": "predicted minus realised",
    "error": "mean error",
}
_GROUPS = {"passed": "alike", "failed": "unlike", "not shown": "not shown"}


class Facts:
    """Hands out the numbers of a card by their path in the facts, such as `proof.metrics.brier.low`."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts
        self._numbers: dict[str, dict[str, str]] = {}

    def at(self, path: str) -> Any:
        """Return what stands at a path.

        Raises:
            EvidenceMissing: nothing does.
        """
        return at(self._facts, path)

    def cite(self, path: str, kind: str) -> Markup:
        """Return a value as text that carries its place; a dash where the value is missing."""
        value = self.at(path)
        text = worded(value, kind)
        if value is None:
            return Markup("<span class='n none'>{}</span>").format(text)
        key = f"{path}|{kind}"
        self._numbers[key] = {"path": path, "kind": kind, "text": text}
        return Markup('<span class="n" data-n="{}" title="{}">{}</span>').format(key, path, text)

    def between(self, path: str, kind: str) -> Markup:
        """Return the bounds of an interval; where there are none the word, with the reason as its hint."""
        if self.at(f"{path}.low") is None:
            return Markup('<span class="note" title="{}">none</span>').format(self.at(f"{path}.reason"))
        return Markup("{} to {}").format(self.cite(f"{path}.low", kind), self.cite(f"{path}.high", kind))

    def as_dict(self) -> dict[str, Any]:
        """Return the facts with all that was cited of them."""
        return {"facts": self._facts, "numbers": dict(sorted(self._numbers.items()))}


def at(facts: Any, path: str) -> Any:
    """Return what stands at a path.

    Raises:
        EvidenceMissing: nothing does.
    """
    found = facts
    for name in path.split("."):
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise EvidenceMissing(f"the facts of the card have nothing at {path!r}") from error
    return found


def card_page(usecase: UseCase, facts: Mapping[str, Any]) -> str:
    """Return the card of a version; the same facts give the same bytes.

    Args:
        usecase: its declaration.
        facts: `version`, `proof`, `selection` and `decision` (None where there is none), `spells` and `commands`.
    """
    of = Facts(facts)
    value, change = value_kinds(usecase.model.kind)
    proof = facts["proof"]
    body = ENVIRONMENT.get_template("card.html").render(
        usecase=usecase, facts=facts, proof=proof, n=of.cite, between=of.between, measures=MEASURES, notes=_NOTES,
        verdicts=_VERDICTS, fairness_words=_FAIRNESS, verdicts_of_groups=_GROUPS,
        value_kind=value, change_kind=change, is_binary=usecase.model.kind == "binary",
        unit=unit_words(usecase.label.unit), charts=_charts(usecase, proof), shown=_SHOWN_COLUMNS,
        descriptions={column.name: column.description for column in usecase.table(usecase.features.table).columns},
        headline=headline_of(usecase, facts),
    )  # fmt: skip
    return body.replace("<!-- evidence -->", str(as_script(of.as_dict())))


def headline_of(usecase: UseCase, facts: Mapping[str, Any]) -> str:
    """Return a version in one sentence."""
    proof = facts["proof"]
    metric = usecase.gate.metric
    found = proof["metrics"][metric]
    bounds = "" if found["low"] is None else f" ({found['low']:.3f} to {found['high']:.3f})"
    passed = sum(item["verdict"] == "passed" for item in proof["behaviour"])
    tests = f"{passed} of {len(proof['behaviour'])} behaviour tests passed"
    decided = facts["decision"]["decision"] if facts["decision"] else "not judged yet"
    value = "none" if found["estimate"] is None else f"{found['estimate']:.3f}"
    measure = MEASURES[metric]
    return f"{measure[0].upper()}{measure[1:]} {value}{bounds}; {tests}; the gate: {decided}."


def card_disagreements(page: str) -> list[str]:
    """Return the numbers of a card that the facts which it carries do not give; empty where every number stands."""
    evidence, found = evidence_of(page), []
    for key, text in numbers_of(page):
        number = evidence["numbers"].get(key)
        if number is None:
            found.append(f"{text!r} cites {key!r}, of which there is no evidence")
            continue
        again = worded(at(evidence["facts"], number["path"]), number["kind"])
        if again != text:
            found.append(f"{key}: the page says {text!r}, the facts give {again!r}")
    return found


def _charts(usecase: UseCase, proof: Mapping[str, Any]) -> dict[str, Markup]:
    drawn = {}
    is_share = usecase.model.kind == "binary"
    if len(proof["reliability"]) > 1:
        drawn["calibration"] = calibration_chart(
            proof["reliability"], label=f"share of {usecase.report.event}" if is_share else usecase.report.event,
            unit=usecase.label.unit, is_share=is_share,
        )  # fmt: skip
    metric = MEASURES[usecase.gate.metric]
    if shown := [(item["column"], item["loss"]) for item in proof["importance"][:_SHOWN_COLUMNS]]:
        drawn["importance"] = loss_chart(shown, metric=metric, what="shuffled column")
    return drawn
