"""Each of the 28 tests: 1 where its evidence is there, 0 without it, by evidence that is made up whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catena.chain.deploying.deployments import Spell
from catena.chain.score_card.card import SECTIONS, id_of, score_card
from catena.chain.score_card.evidence import Evidence, OnDisk
from catena.chain.score_card.finding import Finding, automated, by_hand
from catena.chain.score_card.results import TestRecord
from catena.declaration import Guard
from catena.declared import declared_usecase
from catena.governance import Entry

USECASE, VERSION, DAY = declared_usecase("flight_delays"), "flight_delays/1", "2013-02-28"
TESTS = {id_of(section, at): test for section, tests in SECTIONS.items() for at, (_, test) in enumerate(tests, 1)}
CARD = "flight_delays/cards/flight_delays-1.html"


def entry(number, of, subject, partition, decision, *, run="asset_triggered__x", **payload):
    at = datetime(2013, 3, 1, tzinfo=UTC)
    return Entry(number, USECASE.name, of, subject, partition, decision, at, at, payload, run, "0.1.0+abc")


RULES = [{"rule": "unique"}]
CHECKS = [
    {"name": "beats_baseline", "status": "passed", "reason": "Better."},
    {"name": "scores_in_time", "status": "passed", "reason": "Fast."},
    {"name": "slice origin JFK", "status": "passed", "reason": "No loss."},
    {"name": "rehearsal", "status": "passed", "reason": "It scored.", "numbers": {"rows": 897, "fault": ""}},
]
CHALLENGER = {"model_version": VERSION, "interval": {"low": 0.68, "high": 0.72}}
ENTRIES = (
    entry(1, "quality", "flights", DAY, "PASS", rules=RULES),
    entry(2, "quality", "weather", DAY, "WARN", rules=RULES),
    entry(3, "candidate", "model", "2013-01", "TRAINED", model_version=VERSION),
    entry(4, "promotion", "model", "2013-02", "PROMOTE", challenger=CHALLENGER, checks=CHECKS),
    entry(5, "proof", VERSION, "2013-01", "PASSED", sha256="f" * 64),
    entry(6, "exploration", "profile", "2013-01", "CLEAR", checks=[{"checked": True}], reasons=[]),
    entry(7, "selection", "model", "2013-01", "SELECTED", features=[{"name": "carrier", "cost": {"ms": 1}}]),
    entry(8, "search", "model", "2013-01", "FOUND"),
    entry(9, "staleness", "model", "2013-01", "MEASURED", curve=[{}]),
    entry(10, "replay", VERSION, "2013-01", "EQUAL"),
    entry(11, "shadow", VERSION, DAY, "NOT SHOWN", kind="shadow", gain={"rows": 100}),
    entry(12, "rollback", "model", "2013-02-20", "ROLLBACK", is_automatic=True),
    entry(13, "approval", "model", "2013-02", "APPROVED"),
    entry(14, "drill", "rollback", "2013-02", "EQUAL", version="flight_delays-baseline/1", serves=VERSION, seconds=0.2),
    entry(15, "cost", "links", "2013-01", "MEASURED", links=[{"link": "score", "cpu_per_1000": 0.1}]),
    entry(16, "cost", "links", "2013-02", "MEASURED", links=[{"link": "score", "cpu_per_1000": 0.15}]),
)


def health(measure, value, *, dimension="", rows=20_000):
    return {
        "partition": DAY, "measure": measure, "window_days": USECASE.monitoring.trailing_days, "dimension": dimension,
        "value_of": "", "value": value, "rows": rows, "model_version": VERSION, "is_alert": False,
    }  # fmt: skip


HEALTH = (
    health("roc_auc", 0.7), health("roc_auc_gap", 0.01), health("skew_share", 0.0), health("unsound_score_share", 0.0),
)  # fmt: skip
PASSED = (
    "tests/unit/features/test_flight_features.py::a", "tests/unit/features/test_runner.py::b",
    "tests/usecases/test_seattle_weather.py::c", "tests/unit/modeling/test_recipe.py::d", "tests/chain/test_x.py::e",
    "tests/unit/lake/test_overwrite.py::f", "tests/unit/features/test_flight_declaration.py::g",
    "tests/unit/registry/test_store.py::h",
)  # fmt: skip
FULL = Evidence(
    usecase=USECASE,
    code="0.1.0+abc",
    entries=ENTRIES,
    tables={
        "features": OnDisk(3, ("partition", "entity", *USECASE.model.features)),
        "predictions": OnDisk(5, ("partition", "entity", "score")),
        "health": OnDisk(7, ("partition",)),
    },
    health=HEALTH,
    spells=(Spell("2013-02-01", None, {"model_version": VERSION, "role": "champion", "trained_on": "2013-01"},
                  ENTRIES[3]),),
    proofs={VERSION: {
        "examples": [{}, {}, {}], "slices": [{}], "training": [{"verdict": "passed"}],
        "fairness": [{"by": "carrier", "group": "UA", "verdict": "passed"}],
        "importance": [{"column": "carrier", "loss": {"low": 0.001}}, {"column": "origin", "loss": {"low": None}}],
    }},
    pages=frozenset({CARD}),
    scored=DAY,
    tests=TestRecord("0.1.0+abc", dict.fromkeys(PASSED, "passed")),
)  # fmt: skip


def without(*kinds):
    return replace(FULL, entries=tuple(each for each in FULL.entries if each.kind not in kinds))


def unmeasured(prefix):
    return replace(FULL, health=tuple(row for row in FULL.health if not row["measure"].startswith(prefix)))


def unproved(**changes):
    return replace(FULL, proofs={VERSION: {**FULL.proofs[VERSION], **changes}})


UNTESTED = replace(FULL, tests=TestRecord("0.1.0+abc", {}, stale=5))
# What each test needs, taken away.
LACKING = {
    "data-1": without("quality"),
    "data-2": without("selection", "proof"),
    "data-3": without("selection", "promotion"),
    "data-4": without("exploration"),
    "data-5": replace(FULL, tables={**FULL.tables, "predictions": OnDisk(5, (), {"entity": "e-mail address"})}),
    "data-6": UNTESTED,
    "data-7": UNTESTED,
    "model-1": without("candidate"),
    "model-2": unmeasured("roc_auc"),
    "model-3": without("search"),
    "model-4": without("staleness"),
    "model-5": without("promotion"),
    "model-6": replace(without("promotion"), proofs={}),
    "model-7": unproved(fairness=None),
    "infrastructure-1": without("replay"),
    "infrastructure-2": UNTESTED,
    "infrastructure-3": UNTESTED,
    "infrastructure-4": replace(FULL, spells=()),
    "infrastructure-5": unproved(examples=[]),
    "infrastructure-6": without("promotion"),
    "infrastructure-7": replace(without("rollback", "drill"), tests=UNTESTED.tests),
    "monitoring-1": replace(without("quality"), tests=UNTESTED.tests),
    "monitoring-2": replace(FULL, scored="2013-03-01"),
    "monitoring-3": unmeasured("skew"),
    "monitoring-4": replace(FULL, spells=()),
    "monitoring-5": replace(unmeasured("unsound"), proofs={}),
    "monitoring-6": without("promotion", "cost"),
    "monitoring-7": unmeasured("roc_auc"),
}  # fmt: skip


@pytest.mark.parametrize("test", TESTS)
def test_with_its_evidence_a_test_scores_one(test):
    """And every proof that it names is on record: an entry that exists, a page, a recorded test, a table's version."""
    found = TESTS[test](FULL)
    assert (found.score, found.todo) == (1.0, ""), found.said
    assert found.said.endswith(".")
    there = {
        "ledger": {str(each.id) for each in FULL.entries}, "page": set(FULL.pages), "test": set(PASSED),
        "table": {f"{name}@{table.version}" for name, table in FULL.tables.items()},
    }  # fmt: skip
    assert found.proof
    assert all(link.ref in there[link.kind] for link in found.proof)


@pytest.mark.parametrize("test", TESTS)
def test_without_its_evidence_a_test_scores_none(test):
    """And says what would produce it: a declaration alone, which is the same here, is worth nothing."""
    found = TESTS[test](LACKING[test])
    assert found.score == 0.0, found.said
    assert found.todo


@pytest.mark.parametrize("test", TESTS)
def test_of_an_empty_installation_nothing_is_claimed(test):
    """With the whole declaration and no record each test is 0."""
    assert TESTS[test](Evidence(USECASE, "0.1.0+abc")).score == 0.0


def by_hand_only(of):
    """Return the evidence with the entries of a kind as a person's command makes them."""
    return replace(FULL, entries=tuple(
        replace(each, run_id="manual__1") if each.kind == of else each for each in FULL.entries
    ))  # fmt: skip


HALF = {
    "data-2": without("selection"),
    "data-4": by_hand_only("exploration"),
    "model-3": by_hand_only("search"),
    "model-4": by_hand_only("staleness"),
    "infrastructure-1": by_hand_only("replay"),
    "monitoring-6": replace(FULL, entries=tuple(each for each in FULL.entries if each.id != 15)),
    "data-3": without("selection"),
    "model-1": without("approval", "code_release"),
    "model-2": replace(FULL, health=(health("roc_auc", 0.6),)),
    "model-7": by_hand_only("proof"),
    "infrastructure-4": without("promotion"),
    "infrastructure-6": replace(FULL, spells=(*FULL.spells, Spell(
        "2013-03-01", None, {"model_version": "flight_delays/9", "role": "champion"}, ENTRIES[3]))),
    "monitoring-5": unmeasured("unsound"),
    "monitoring-7": replace(FULL, usecase=USECASE.model_copy(update={
        "monitoring": USECASE.monitoring.model_copy(update={"guard": None, "limits": ()})})),
}  # fmt: skip


@pytest.mark.parametrize("test", HALF)
def test_what_is_done_in_part_scores_a_half(test):
    """It has a proof, and says what is missing."""
    found = TESTS[test](HALF[test])
    assert found.score == 0.5, found.said
    assert found.proof
    assert found.todo


AGAINST = {
    "data-4": replace(FULL, entries=(*FULL.entries, entry(20, "exploration", "profile", "2013-02", "ALARM",
                                                          reasons=["air_time knows the outcome"]))),
    "data-5": replace(FULL, tables={**FULL.tables, "features": OnDisk(4, (*FULL.tables["features"].columns, "name"))}),
    "infrastructure-1": replace(FULL, entries=(*FULL.entries, entry(21, "replay", VERSION, "2013-01", "DIFFERENT"))),
    "infrastructure-3": replace(FULL, tests=TestRecord("c", {"tests/chain/test_x.py::e": "failed"})),
    "monitoring-5": replace(FULL, health=(health("unsound_score_share", 0.01),)),
    "infrastructure-7": replace(FULL, entries=(*FULL.entries, entry(22, "drill", "rollback", "2013-03", "REFUSED",
                                                                    version=VERSION, serves="flight_delays/2"))),
    # Beyond its limit, and nobody was told.
    "monitoring-7": replace(FULL, health=({**health("roc_auc", 0.4), "is_alert": True},)),
}  # fmt: skip


@pytest.mark.parametrize("test", AGAINST)
def test_evidence_against_counts_more_than_its_being_there(test):
    """What was looked at and found wrong scores 0, and the proof of that is named."""
    found = TESTS[test](AGAINST[test])
    assert found.score == 0.0, found.said
    assert found.proof


FIGURE = {
    "name": "missed_by_airport", "by": "origin", "group": "EWR", "verdict": "failed", "is_criterion": False,
    "difference": {"estimate": -0.23, "low": -0.3, "high": -0.15}, "happened": 0.28, "others_happened": 0.21,
}  # fmt: skip
AMISS = {
    "model-7": (unproved(fairness=[{"by": "carrier", "group": "UA", "verdict": "failed"}, FIGURE]),
                ("by a declared criterion: carrier UA", "no criterion: missed by airport, EWR -0.23 (-0.30 to -0.15)",
                 "in 28% of its rows, in 21% of the others")),
    "monitoring-7": (replace(FULL, health=({**health("roc_auc", 0.4), "is_alert": True},), entries=(
        *FULL.entries, entry(23, "health", "roc_auc", DAY, "ALERT"))), ("Beyond its limit: roc_auc",)),
    "monitoring-6": (replace(FULL, entries=(*FULL.entries, entry(
        24, "cost", "links", "2013-03", "MEASURED", links=[{"link": "score", "cpu_per_1000": 0.26}]))),
        ("More than 2 times as dear as before: score",)),
}  # fmt: skip


@pytest.mark.parametrize("test", AMISS)
def test_a_test_that_is_run_scores_and_what_it_found_amiss_stands_in_red(test):
    """The paper scores whether a test is run by itself and recorded: how it comes out is said beside the score."""
    evidence, words = AMISS[test]
    found = TESTS[test](evidence)
    assert (found.score, TESTS[test](FULL).warning) == (1.0, "")
    assert all(word in found.warning for word in words), found.warning


def test_a_file_of_tests_that_was_not_run_is_missed():
    """Those of the same point that were run and passed say nothing of it, and it is named."""
    ran = TestRecord("c", {"tests/unit/features/test_flight_features.py::a": "passed"})
    found = TESTS["data-7"](replace(FULL, tests=ran))
    assert (found.score, found.todo) == (0.0, "make test")
    assert "no outcome of tests/unit/features/test_flight_declaration.py" in found.said


def test_a_day_without_a_delivery_is_no_unchecked_one():
    """That nothing came is known by its entry; a day of which nothing is known was not checked."""
    none = entry(25, "quality", "weather", "2013-03-01", "NO_DATA", rules=[])
    checked = entry(24, "quality", "flights", "2013-03-01", "PASS", rules=RULES)
    test = TESTS["monitoring-2"]
    told = replace(FULL, scored="2013-03-01", entries=(*FULL.entries, checked, none))
    assert test(told).score == 1.0
    assert "No weather came for 2013-03-01: the last delivery is of 2013-02-28." in test(told).said
    assert test(replace(told, entries=(*FULL.entries, checked))).score == 0.0
    # An older day that is ingested again later says nothing of the newest one.
    again = entry(26, "quality", "flights", "2013-01-05", "PASS", rules=RULES)
    assert test(replace(FULL, entries=(*FULL.entries, again))).score == 1.0


def test_a_guard_is_what_watches_quality():
    """Without limits a guard is enough to say that somebody watches."""
    guard = Guard(measure="roc_auc", window_days=7, minimum=0.5, minimum_rows=100, reason="r")
    watched = USECASE.monitoring.model_copy(update={"guard": guard, "limits": ()})
    assert TESTS["monitoring-7"](replace(FULL, usecase=USECASE.model_copy(update={"monitoring": watched}))).score == 1


def test_the_card_is_the_least_of_its_sections():
    """Seven a section; one test less in one of them lowers the whole by as much."""
    full = score_card(FULL)
    assert (list(full.scores), full.overall) == (list(TESTS), 7.0)
    assert full.sections == dict.fromkeys(("Data", "Model", "Infrastructure", "Monitoring"), 7.0)
    less = score_card(without("search"))
    assert (less.sections["Model"], less.sections["Data"], less.overall) == (6.0, 7.0, 6.0)
    assert less.headline == "ML Test Score 6 of 7: data 7, model 6, infrastructure 7, monitoring 7."
    assert score_card(without("selection")).overall == 6.0


def test_nothing_scores_without_a_proof():
    """A finding above 0 that names no proof cannot be made."""
    with pytest.raises(ValueError, match="nothing proves"):
        automated("It works.")
    with pytest.raises(ValueError, match="nothing proves"):
        by_hand("It works.", "do it")
    assert Finding(0.0, "Nothing.").proof == ()
