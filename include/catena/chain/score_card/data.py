"""Data 1 to 7: features and the data that they come from."""

from __future__ import annotations

from catena.chain.score_card.evidence import Evidence
from catena.chain.score_card.finding import (
    Finding,
    absent,
    automated,
    by_hand,
    counted,
    entry_link,
    repeated,
    table_link,
)
from catena.chain.score_card.results import by_tests
from catena.governance import Entry

_SELECTS = "let the chain search: each search selects the features first"


def expectations_in_a_schema(evidence: Evidence) -> Finding:
    """Data 1: what features may be is said in a schema, and each delivery was checked against it."""
    usecase, features = evidence.usecase, evidence.usecase.features.table
    on_disk = evidence.tables.get(features)
    todo = f"catena backfill {usecase.name} --from DAY --to DAY"
    if on_disk is None:
        return absent("No features were made yet, so nothing was held to a schema.", todo)
    link = table_link(usecase.name, features, on_disk.version, f"{len(on_disk.columns)} columns as they are")
    if missing := sorted(set(usecase.model.features) - set(on_disk.columns)):
        return absent(f"The features {', '.join(missing[:5])} are declared and not in the table.", todo, link)
    judged = {entry.subject: entry for entry in evidence.of("quality") if entry.payload.get("rules")}
    names = [dataset.name for dataset in usecase.partitioned_datasets if dataset.rules]
    if not names:
        return absent("No dataset has rules that its deliveries are held to.", "declare rules", link)
    if open_ := [name for name in names if name not in judged]:
        return absent(f"No delivery of {', '.join(open_)} was checked by its rules.", todo, link)
    said = (
        f"{len(usecase.model.features)} features have declared types in the table as it is; the deliveries of "
        f"{len(names)} datasets are checked by {sum(len(judged[name].payload['rules']) for name in names)} rules."
    )
    return automated(said, link, *(entry_link(judged[name]) for name in names[:3]))


def features_beneficial(evidence: Evidence) -> Finding:
    """Data 2: whether each feature helps was measured, and what does not was dropped or has a reason to stay."""
    entry = _selection(evidence)
    if entry is None:
        return _by_importance(evidence)
    said = f"The selection of {entry.partition} gives a reason for each of {len(entry.payload['features'])} features."
    return repeated(_selections(evidence), said, _SELECTS)


def no_feature_too_costly(evidence: Evidence) -> Finding:
    """Data 3: the cost of each feature is known."""
    todo, entry = _select(evidence), _selection(evidence)
    if entry is not None and any("cost" in str(name) for name in _names(entry.payload)):
        said = f"The selection of {entry.partition} names the cost of each feature."
        return repeated(_selections(evidence), said, _SELECTS)
    timed = [each for each in evidence.of("promotion", "model") if _check(each.payload, "scores_in_time")]
    if timed:
        said = (
            f"All features together: {_check(timed[-1].payload, 'scores_in_time')} Of single ones nothing is on record."
        )
        return by_hand(said, todo, entry_link(timed[-1]))
    return absent("Neither the cost of a feature nor that of all is on record.", todo)


def features_meet_requirements(evidence: Evidence) -> Finding:
    """Data 4: no feature knows what it must not: nothing later than the decision, nothing of the outcome."""
    todo = f"catena explore {evidence.usecase.name} --from DAY --to DAY"
    looked = [each for each in evidence.of("exploration") if each.decision in {"CLEAR", "PARTIAL", "ALARM"}]
    if not looked:
        return absent("Nobody has looked whether a feature knows the outcome.", todo)
    entry = looked[-1]
    checks = [check for check in entry.payload.get("checks", []) if check.get("checked")]
    if entry.decision == "ALARM":
        return absent(f"{'; '.join(entry.payload.get('reasons', [])[:3])}", todo, entry_link(entry))
    said = f"{counted(len(checks), 'sign')} of leakage looked for in {entry.partition}, none found."
    return repeated(looked, said, "let the training of a month tell, which explores it")


def privacy_is_controlled(evidence: Evidence) -> Finding:
    """Data 5: nothing that is personal reaches models or readers.

    By the tables as they are: each column on disk is declared with a class, none of those that models and applications
    read is personal, and no value there looks like a person's.
    """
    usecase = evidence.usecase
    read = [name for name in (usecase.features.table, "predictions") if name in evidence.tables]
    if not read:
        return absent("There are neither features nor predictions to look at.",
                      f"catena backfill {usecase.name} --from DAY --to DAY")  # fmt: skip
    links = [
        table_link(usecase.name, name, evidence.tables[name].version, "columns and values as they are") for name in read
    ]
    classes = {column.name: column.classification for column in usecase.table(usecase.features.table).columns}
    personal = [name for name in evidence.tables[usecase.features.table].columns if classes.get(name) == "personal"]
    personal += [name for name in usecase.model.features if classes.get(name) == "personal" and name not in personal]
    unclassed = [name for name in evidence.tables[usecase.features.table].columns if name not in classes]
    looks = [f"{table}.{name} ({what})" for table in read for name, what in evidence.tables[table].personal.items()]
    if personal or unclassed or looks:
        said = "; ".join(
            f"{what}: {', '.join(names[:5])}"
            for what, names in (("personal", personal), ("not classified", unclassed), ("looks personal", looks))
            if names
        )
        return absent(f"What models or readers see is not free of personal data: {said}.",
                      "declare the class of the column, or take it out of the features", *links)  # fmt: skip
    columns = sum(len(evidence.tables[name].columns) for name in read)
    said = f"{columns} columns of {' and '.join(read)} are classified, none as personal, and no value looks like one."
    return automated(said, *links)


def features_added_quickly(evidence: Evidence) -> Finding:
    """Data 6: a new feature needs a declaration and SQL, and nothing else."""
    paths = ("tests/unit/features/test_runner.py", "tests/usecases/", "tests/unit/lake/test_overwrite.py")
    return by_tests(evidence.tests, "A feature is added by its declaration and SQL alone", paths)


def feature_code_tested(evidence: Evidence) -> Finding:
    """Data 7: the code of the features is tested."""
    usecase = evidence.usecase
    if not usecase.feature_tests:
        return absent("The use case names no tests of its features.", "declare `feature_tests` in the use case")
    return by_tests(evidence.tests, "The SQL of the features", usecase.feature_tests)


def _by_importance(evidence: Evidence) -> Finding:
    """Return the finding where nothing was selected: each version's proof measures its columns, and keeps them all."""
    version = evidence.serving or ""
    found, entry = evidence.proofs.get(version, {}).get("importance"), evidence.last("proof", version)
    if not found or entry is None:
        return absent("Of no feature it is on record whether it helps.", _select(evidence))
    helps = sum(item["loss"]["low"] is not None and item["loss"]["low"] > 0 for item in found)
    said = (
        f"The proof of {version} shuffles each of {len(found)} columns over the days held out: {helps} are shown to "
        "help by themselves. What is needed of the others nobody has decided."
    )
    return by_hand(said, _select(evidence), entry_link(entry))


def _selections(evidence: Evidence) -> list[Entry]:
    """Return the selections that judged anything."""
    return [entry for entry in evidence.of("selection") if entry.payload.get("features")]


def _selection(evidence: Evidence) -> Entry | None:
    found = _selections(evidence)
    return found[-1] if found else None


def _select(evidence: Evidence) -> str:
    return f"catena features select {evidence.usecase.name} --month MONTH"


def _names(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for item in value.values() for name in _names(item))]
    return [name for item in value for name in _names(item)] if isinstance(value, list) else []


def _check(payload: dict[str, object], name: str) -> str:
    """Return the sentence of a passed check of the gate, empty where there is none."""
    checks = payload.get("checks") or []
    assert isinstance(checks, list)
    return next((str(each["reason"]) for each in checks if each["name"] == name and each["status"] == "passed"), "")
