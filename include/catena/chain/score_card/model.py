"""Model 1 to 7: how the model came about, and what is known of its quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catena.chain.score_card.evidence import Evidence
from catena.chain.score_card.finding import (
    Finding,
    Link,
    absent,
    automated,
    by_hand,
    counted,
    entry_link,
    entry_links,
    is_by_hand,
    repeated,
)
from catena.governance import Entry


def specs_reviewed(evidence: Evidence) -> Finding:
    """Model 1: what a model is made by is checked in, and somebody answers for it."""
    approved = [entry for entry in evidence.of("approval") if entry.decision.startswith("APPROVE")]
    trained = [entry for entry in evidence.of("candidate", "model") if entry.decision == "TRAINED"]
    todo = "run from a clean checkout: catena up enters its commit; or ask for approval in environments.toml"
    if not trained:
        return absent("No training is on record.", f"catena backfill {evidence.usecase.name} --from DAY --to DAY")
    code = trained[-1].code_version
    released = [entry for entry in evidence.of("code_release") if entry.partition == code]
    clean = [entry for entry in released if entry.payload.get("commit") and entry.payload.get("is_clean")]
    links = (*entry_links(approved, 1), *entry_links(clean or released, 1), entry_link(trained[-1]))
    said = f"{counted(len(trained), 'training')} on record; the last one ran on {code}"
    if clean or approved:
        commit = f", checked in as {clean[-1].payload['commit'][:10]}" if clean else ""
        return automated(f"{said}{commit}. {counted(len(approved), 'promotion')} approved by a person.", *links)
    return by_hand(f"{said}; that it was checked in, or that anybody reviewed it, is not on record.", todo, *links)


def offline_and_online_agree(evidence: Evidence) -> Finding:
    """Model 2: what the holdout promised is what happened while the version served."""
    metric = evidence.usecase.gate.metric
    pairs: list[tuple[Entry, float, float, float]] = []
    for version in dict.fromkeys(str(spell.serves["model_version"]) for spell in evidence.spells):
        decision = evidence.decision_on(version)
        interval = (decision.payload["challenger"].get("interval") if decision else None) or {}
        online = _online(evidence, version, metric)
        if decision is not None and online is not None and interval.get("low") is not None:
            pairs.append((decision, interval["low"], interval["high"], online))
    if not pairs:
        return absent("No version has both an interval on its holdout and a measure while it served.",
                      f"catena backfill {evidence.usecase.name} --from DAY --to DAY")  # fmt: skip
    inside = sum(low <= online <= high for _, low, high, online in pairs)
    said = (
        f"Of {counted(len(pairs), 'version')} that served, {inside} did so with a {metric} inside the interval of its "
        "holdout."
    )
    links = entry_links([pair[0] for pair in pairs])
    if 2 * inside >= len(pairs):
        return automated(said, *links)
    return by_hand(f"{said} The holdout promises something else than happens.", "choose other holdout days", *links)


def hyperparameters_tuned(evidence: Evidence) -> Finding:
    """Model 3: settings were searched for."""
    found = [entry for entry in evidence.of("search") if entry.decision != "FAILED"]
    if not found:
        return absent("No search over settings is on record.", f"catena search {evidence.usecase.name} --month MONTH")
    last = found[-1]
    said = f"{counted(len(found), 'search', 'searches')}, the last one up to {last.partition}: {last.decision}."
    return repeated(found, said, "declare a search that comes due: first_after_months, every_months")


def staleness_known(evidence: Evidence) -> Finding:
    """Model 4: what age does to a model was measured."""
    found = [*(entry for entry in evidence.of("staleness") if entry.payload.get("curve")), *evidence.of("backtest")]
    if not found:
        todo = f"catena models staleness {evidence.usecase.name}"
        return absent("How a model ages was not measured.", todo)
    return repeated(found, "How quality falls with a model's age is measured.",
                    f"catena airflow dags trigger {evidence.usecase.name}.report")  # fmt: skip


def simpler_is_not_better(evidence: Evidence) -> Finding:
    """Model 5: a simpler model was compared, and does not serve only where it is shown to be worse."""
    judged = [(entry, check) for entry in evidence.of("promotion", "model")
              for check in entry.payload.get("checks", []) if check["name"] == "beats_baseline"]  # fmt: skip
    if not judged:
        return absent("No model was compared with a simpler one.",
                      f"catena backfill {evidence.usecase.name} --from DAY --to DAY")  # fmt: skip
    entry, check = judged[-1]
    won = sum(each["status"] == "passed" for _, each in judged)
    said = f"Compared with the baseline at {counted(len(judged), 'decision')}, the model was shown better at {won}."
    links = [entry_link(entry, check["reason"])]
    if (search := evidence.last("search")) is not None:
        links.append(entry_link(search))
    return automated(said, *links)


def slices_are_good(evidence: Evidence) -> Finding:
    """Model 6: quality holds on the slices that matter."""
    version = evidence.serving
    judged = [entry for entry in evidence.of("promotion", "model") if _slices(entry)]
    proof = evidence.proofs.get(version or "", {})
    links: list[Link] = []
    said: list[str] = []
    if judged:
        checks = _slices(judged[-1])
        passed = sum(check["status"] == "passed" for check in checks)
        worse = [str(check["name"]).removeprefix("slice ") for check in checks if check["status"] == "failed"]
        links.append(entry_link(judged[-1]))
        held = f"; {', '.join(worse)} failed, and the challenger was held" if worse else ""
        said.append(
            f"The gate compared {counted(len(checks), 'slice')} at its last decision: {passed} had enough rows and "
            f"passed{held}."
        )
    if proof.get("slices"):
        links += _proof_links(evidence, version or "")
        said.append(f"The card of {version} gives {len(proof['slices'])} slices with their intervals.")
    if not links:
        return absent("No slice was judged.", f"catena models card {evidence.usecase.name} VERSION")
    return automated(" ".join(said), *links)


def inclusion_considered(evidence: Evidence) -> Finding:
    """Model 7: that groups may be treated unequally was tested, each version, with the outcome on record.

    The paper asks that it is tested, not how it comes out: so a difference is said in red, and the test scores.
    """
    version = evidence.serving or ""
    todo = f"catena models card {evidence.usecase.name} {version or 'VERSION'}"
    found = evidence.proofs.get(version, {}).get("fairness")
    if not found:
        return absent("No groups were compared for equal treatment.", f"declare them in the proof, then {todo}")
    links = _proof_links(evidence, version)
    compared = sum(bool(proof.get("fairness")) for proof in evidence.proofs.values())
    said = (
        f"{counted(len(found), 'comparison')} of a group with all others in the proof of {version}; {compared} of "
        f"{counted(len(evidence.proofs), 'version')} that served had them."
    )
    entry = evidence.last("proof", version)
    if entry is None or is_by_hand(entry):
        return by_hand(f"{said} By hand so far.", "let the chain issue the cards", *links, warning=_unlike(found))
    return automated(said, *links, warning=_unlike(found))


def _unlike(found: Sequence[Mapping[str, Any]]) -> str:
    """Return which groups differ, by criterion and by figures that are none, with what such a figure rests on."""
    failed = [each for each in found if each["verdict"] == "failed"]
    wrong = [f"{each['by']} {each['group']}" for each in failed if each.get("is_criterion", True)]
    said = [f"Groups differ by a declared criterion: {', '.join(wrong[:5])}."] if wrong else []
    for each in failed:
        if each.get("is_criterion", True):
            continue
        difference = each["difference"]
        said.append(
            f"Groups differ in a figure that is no criterion: {each['name'].replace('_', ' ')}, {each['group']} "
            f"{difference['estimate']:+.2f} ({difference['low']:+.2f} to {difference['high']:+.2f}); it happens in "
            f"{each['happened']:.0%} of its rows, in {each['others_happened']:.0%} of the others."
        )
    return " ".join(said[:4])


def _online(evidence: Evidence, version: str, metric: str) -> float | None:
    """Return the metric over the trailing window on the last measured day of a version."""
    window, minimum = evidence.usecase.monitoring.trailing_days, evidence.usecase.monitoring.minimum_rows
    found = [
        row for row in evidence.health
        if (row["measure"], row["dimension"], row["window_days"], row["model_version"]) == (metric, "", window, version)
        and row["value"] is not None and row["rows"] >= minimum
    ]  # fmt: skip
    return float(max(found, key=lambda row: str(row["partition"]))["value"]) if found else None


def _slices(entry: Entry) -> list[dict[str, str]]:
    return [check for check in entry.payload.get("checks", []) if str(check["name"]).startswith("slice ")]


def _proof_links(evidence: Evidence, version: str) -> list[Link]:
    page = f"{evidence.usecase.name}/cards/{version.replace('/', '-')}.html"
    links = [Link("page", page, f"card of {version}")] if page in evidence.pages else []
    entry = evidence.last("proof", version)
    return [*links, *([entry_link(entry)] if entry else [])]
