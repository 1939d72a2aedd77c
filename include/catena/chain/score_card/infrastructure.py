"""Infrastructure 1 to 7: training, checking before service, and the way into and out of it."""

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
    repeated,
)
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
    said = (
        f"{counted(len(equal), 'version')} built again from the record: dataset, parameters and predictions are EQUAL."
    )
    return repeated(equal, said, f"catena airflow dags trigger {evidence.usecase.name}.train")


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
    said = f"{counted(len(decisions), 'version')} served, each judged before it did, by {checks} checks in all."
    return automated(said, *entry_links(decisions))


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
    said = f"{counted(len(proof['examples']), 'prediction')} of {version} taken apart column by column on its card."
    return automated(said, *links)


def canaried(evidence: Evidence) -> Finding:
    """Infrastructure 6: before a version serves, its file as registered scores real rows as scoring does.

    That is what a canary must catch by the paper: a file that the serving code cannot load, or cannot infer with on
    production's rows. A canary on a share of the keys, or a shadow, tells more, and is said where one ended.
    """
    served = dict.fromkeys(
        str(spell.serves["model_version"]) for spell in evidence.spells if spell.serves["role"] == "champion"
    )
    todo = f"catena airflow dags trigger {evidence.usecase.name}.promote: the gate rehearses each challenger"
    if not served:
        return absent("No model has served yet.", todo)
    ended = evidence.of("shadow")
    tried = {entry.subject for entry in ended if entry.payload["kind"] == "canary"}
    rehearsed = {version: check for version in served if (check := _rehearsal(evidence, version)) is not None}
    open_ = [version for version in served if version not in rehearsed and version not in tried]
    if not rehearsed and not tried:
        said = f"No version was rehearsed on real rows before it served. {_tried(ended)}"
        return absent(said, todo, *entry_links(ended))
    rows = sum(int(check["numbers"]["rows"]) for _, check in rehearsed.values())
    said = (
        f"{counted(len(rehearsed), 'version')} that served had scored {rows} rows of the newest day before, from the "
        f"registered file, unpublished. {_tried(ended)}"
    )
    links = (*(entry_link(entry, check["reason"]) for entry, check in list(rehearsed.values())[-3:]),
             *entry_links(ended))  # fmt: skip
    if open_:
        return by_hand(f"{said} Served without: {', '.join(open_)}.", todo, *links)
    other = [version for version, (_, check) in rehearsed.items() if check["status"] == "failed"]
    return automated(said, *links, warning=f"Not to the bit as at training: {', '.join(other)}." if other else "")


def rollback_works(evidence: Evidence) -> Finding:
    """Infrastructure 7: what serves can be taken back, which is practised while nothing burns."""
    done, drills = evidence.of("rollback", "model"), evidence.of("drill")
    if drills and drills[-1].decision not in {"EQUAL", "READY"}:
        last = drills[-1]
        said = f"Going back to {last.payload['version']} was practised after {last.partition}, and is {last.decision}."
        return absent(said, f"catena models show {evidence.usecase.name} {last.payload['version']}",
                      *entry_links(drills))  # fmt: skip
    if drills:
        last = drills[-1]
        months = counted(len({each.partition for each in drills}), "month")
        said = (
            f"Practised after {months}, the last time from {last.payload['serves']} back to "
            f"{last.payload['version']} in {last.payload['seconds']} s: {last.decision}. "
            f"{counted(len(done), 'real rollback')} so far."
        )
        return repeated([*done, *drills], said, f"catena airflow dags trigger {evidence.usecase.name}.report")
    if done:
        return automated(f"{counted(len(done), 'rollback')} on record.", *entry_links(done))
    paths = ("tests/unit/chain/deploying/test_rollback.py",)
    return by_tests(evidence.tests, "Going back to the version before, by hand and by the guard", paths)


def _rehearsal(evidence: Evidence, version: str) -> tuple[Entry, Mapping[str, Any]] | None:
    """Return the decision on a version with its check of the rehearsal, None where there was none."""
    decision = evidence.decision_on(version)
    checks = [] if decision is None else decision.payload.get("checks", [])
    found = [check for check in checks if check["name"] == "rehearsal" and not check["numbers"]["fault"]]
    return None if decision is None or not found else (decision, found[0])


def _tried(ended: Sequence[Entry]) -> str:
    """Return what is on record of canaries and shadows that ended."""
    if not ended:
        return "No canary or shadow has ended yet."
    canaries = sum(entry.payload["kind"] == "canary" for entry in ended)
    rows = sum(int(entry.payload["gain"]["rows"]) for entry in ended)
    return (
        f"{counted(canaries, 'canary', 'canaries')} and {counted(len(ended) - canaries, 'shadow')} compared with what "
        f"served, on {rows} rows."
    )
