"""Model 1 to 7: how the model came about, and what is known of its quality."""

from __future__ import annotations

from catena.chain.score_card.evidence import Evidence
from catena.chain.score_card.finding import Finding, Link, absent, automated, by_hand, entry_link, entry_links
from catena.governance import Entry

_SIMPLER = ("linear", "logistic")


def specs_reviewed(evidence: Evidence) -> Finding:
    """Model 1: what a model is made by is under version control, and somebody answers for it."""
    approved = [entry for entry in evidence.of("approval") if entry.decision.startswith("APPROVE")]
    released = evidence.of("code_release")
    trained = [entry for entry in evidence.of("candidate", "model") if entry.decision == "TRAINED"]
    todo = "catena up enters the release; an environment may ask for a person's approval of each promotion"
    if not trained:
        return absent("No training is on record.", f"catena backfill {evidence.usecase.name} --from DAY --to DAY")
    if approved or released:
        link = entry_link((approved or released)[-1])
        said = f"{len(approved)} approvals and {len(released)} releases of code are on record."
        return automated(f"{said} Each training names its code: {trained[-1].code_version}.", link,
                         entry_link(trained[-1]))  # fmt: skip
    said = f"Each training names its code ({trained[-1].code_version}) and its libraries; nobody's review is on record."
    return by_hand(said, todo, entry_link(trained[-1]))


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
        f"Of {len(pairs)} versions that served, {inside} did so with a {metric} inside the interval of their holdout."
    )
    links = entry_links([pair[0] for pair in pairs])
    if 2 * inside >= len(pairs):
        return automated(said, *links)
    return by_hand(f"{said} The holdout promises something else than happens.", "choose other holdout days", *links)


def hyperparameters_tuned(evidence: Evidence) -> Finding:
    """Model 3: settings were searched for."""
    entry = evidence.last("search")
    if entry is None:
        return absent("No search over settings is on record.", f"catena search {evidence.usecase.name} --month MONTH")
    return automated(f"The space of models was searched up to {entry.partition}: {entry.decision}.", entry_link(entry))


def staleness_known(evidence: Evidence) -> Finding:
    """Model 4: what age does to a model was measured."""
    found = [*(entry for entry in evidence.of("staleness") if entry.payload.get("curve")), *evidence.of("backtest")]
    if not found:
        todo = f"catena models staleness {evidence.usecase.name}"
        return absent("How a model ages was not measured.", todo)
    return automated("How quality falls with a model's age is measured.", *entry_links(found))


def simpler_is_not_better(evidence: Evidence) -> Finding:
    """Model 5: a simpler model was compared, and does not serve only where it is shown to be worse."""
    judged = [(entry, check) for entry in evidence.of("promotion", "model")
              for check in entry.payload.get("checks", []) if check["name"] == "beats_baseline"]  # fmt: skip
    if not judged:
        return absent("No model was compared with a simpler one.",
                      f"catena backfill {evidence.usecase.name} --from DAY --to DAY")  # fmt: skip
    entry, check = judged[-1]
    won = sum(each["status"] == "passed" for _, each in judged)
    said = f"Compared with the baseline at {len(judged)} decisions, the model was shown to be better at {won}."
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
        links.append(entry_link(judged[-1]))
        said.append(f"The gate judged {len(checks)} slices at its last decision, {passed} had enough rows and passed.")
    if proof.get("slices"):
        links += _proof_links(evidence, version or "")
        said.append(f"The card of {version} gives {len(proof['slices'])} slices with their intervals.")
    if not links:
        return absent("No slice was judged.", f"catena models card {evidence.usecase.name} VERSION")
    return automated(" ".join(said), *links)


def inclusion_considered(evidence: Evidence) -> Finding:
    """Model 7: groups that may be treated unequally were compared."""
    version = evidence.serving or ""
    todo = f"catena models card {evidence.usecase.name} {version or 'VERSION'}"
    found = evidence.proofs.get(version, {}).get("fairness")
    if not found:
        return absent("No groups were compared for equal treatment.", f"declare them in the proof, then {todo}")
    links = _proof_links(evidence, version)
    failed = [f"{each['by']} {each['group']}" for each in found if each["verdict"] == "failed"]
    said = f"{len(found)} groups were compared with all others in the proof of {version}."
    if failed:
        return by_hand(f"{said} Treated otherwise than is allowed: {', '.join(failed[:5])}.", "mend the model", *links)
    return automated(said, *links)


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
