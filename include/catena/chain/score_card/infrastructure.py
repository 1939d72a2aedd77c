"""Infrastructure 1 to 7: training, checking before service, and the way into and out of it."""

from __future__ import annotations

from catena.chain.score_card.evidence import Evidence
from catena.chain.score_card.finding import Finding, Link, absent, automated, by_hand, entry_link, entry_links
from catena.chain.score_card.results import by_tests
from catena.governance import Entry


def training_reproducible(evidence: Evidence) -> Finding:
    """Infrastructure 1: a version came out of its record again, bit for bit."""
    version = evidence.serving or "VERSION"
    todo = f"catena models replay {version}"
    last = {entry.subject: entry for entry in evidence.of("replay")}
    equal = [entry for entry in last.values() if entry.decision == "EQUAL"]
    differing = [entry for entry in last.values() if entry.decision != "EQUAL"]
    if differing:
        said = f"{', '.join(entry.subject for entry in differing)} came out of its record as something else."
        return absent(said, todo, *entry_links(differing))
    if not equal:
        return absent("No version was built again from its record.", todo)
    said = f"{len(equal)} versions were built again from their records: dataset, parameters and predictions are EQUAL."
    return automated(said, *entry_links(equal))


def specs_unit_tested(evidence: Evidence) -> Finding:
    """Infrastructure 2: the code that a model is specified by is tested."""
    paths = ("tests/unit/modeling/", "tests/unit/registry/", "tests/usecases/")
    return by_tests(evidence.tests, "What models are specified, built and kept by", paths)


def pipeline_integration_tested(evidence: Evidence) -> Finding:
    """Infrastructure 3: the whole chain ran under the real scheduler."""
    return by_tests(evidence.tests, "The whole chain under the real scheduler", ("tests/chain/",))


def quality_checked_before_serving(evidence: Evidence) -> Finding:
    """Infrastructure 4: nothing served that was not judged before."""
    models = [spell for spell in evidence.spells if spell.serves["role"] == "champion"]
    if not models:
        return absent("No model has served yet.", f"catena backfill {evidence.usecase.name} --from DAY --to DAY")
    decisions: list[Entry] = []
    open_: list[str] = []
    for version in dict.fromkeys(str(spell.serves["model_version"]) for spell in models):
        decision = evidence.decision_on(version)
        if decision is None or not decision.payload.get("checks"):
            open_.append(version)
        else:
            decisions.append(decision)
    if open_:
        said = f"{', '.join(open_)} served without a judgement of the gate."
        links = (entry_link(models[-1].entry), *entry_links(decisions))
        return by_hand(said, "let the gate decide what serves", *links)
    checks = sum(len(decision.payload["checks"]) for decision in decisions)
    return automated(f"All {len(decisions)} versions that served were judged before, by {checks} checks.",
                     *entry_links(decisions))  # fmt: skip


def model_is_debuggable(evidence: Evidence) -> Finding:
    """Infrastructure 5: single predictions can be taken apart."""
    version = evidence.serving or ""
    proof = evidence.proofs.get(version, {})
    todo = f"catena models card {evidence.usecase.name} {version or 'VERSION'}"
    if not proof.get("examples"):
        return absent("No prediction was taken apart.", todo)
    page = f"{evidence.usecase.name}/cards/{version.replace('/', '-')}.html"
    entry = evidence.last("proof", version)
    links = [*([entry_link(entry)] if entry else []), *([Link("page", page, f"card of {version}")]
             if page in evidence.pages else [])]  # fmt: skip
    if not links:
        return absent("A proof is kept whose entry is gone.", todo)
    said = f"{len(proof['examples'])} predictions of {version} are taken apart column by column on its card."
    return automated(said, *links)


def canaried(evidence: Evidence) -> Finding:
    """Infrastructure 6: versions met real rows beside what served, before they served all."""
    found = evidence.of("shadow")
    if not found:
        said = "No version was scored beside what serves, as a canary or in the shadow, up to its end."
        return absent(
            said, "declare `serving=Serving(shadow=True, canary_share=…, canary_days=…)`, then a month of days"
        )
    canaries = sum(entry.payload["kind"] == "canary" for entry in found)
    rows = sum(int(entry.payload["gain"]["rows"]) for entry in found)
    said = f"{canaries} canaries and {len(found) - canaries} shadows were compared with what served, on {rows} rows."
    return automated(said, *entry_links(found))


def rollback_works(evidence: Evidence) -> Finding:
    """Infrastructure 7: what serves can be taken back."""
    done = evidence.of("rollback", "model")
    paths = ("tests/unit/chain/deciding/test_rollback.py",)
    if done:
        return automated(f"{len(done)} rollbacks are on record.", *entry_links(done))
    return by_tests(evidence.tests, "Going back to the version before, by hand and by the guard", paths)
