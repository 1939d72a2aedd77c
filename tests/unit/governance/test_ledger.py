from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from catena.governance import Entry, Fact, Ledger
from catena.governance.ledger import LEDGER
from catena.partitions import start_of
from catena.run import Run


@pytest.fixture
def engine(fresh_database: Callable[[], str]) -> Engine:
    engine = create_engine(fresh_database())
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    ledger = Ledger(engine)
    ledger.create()
    return ledger


def promote(ledger: Ledger, partition: str, decision: str, /, run_id: str = "r", **payload: object) -> bool:
    return ledger.append(
        Run("flights", "promote", run_id, code_version="c"),
        kind="promotion",
        subject="model",
        partition=partition,
        decision=decision,
        effective_at=start_of(partition),
        payload=payload,
    )


def decisions(ledger: Ledger) -> list[str]:
    return [entry.decision for entry in ledger.entries("flights")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET decision = 'HOLD'",
        "DELETE FROM ledger",
        "DELETE FROM ledger WHERE false",
        "TRUNCATE ledger",
        "INSERT INTO ledger (id) OVERRIDING SYSTEM VALUE VALUES (1) ON CONFLICT (id) DO UPDATE SET decision = 'HOLD'",
    ],
)
def test_the_database_itself_refuses_to_change_the_past(ledger, engine, statement):
    """Not even SQL past the library changes or removes an entry."""
    promote(ledger, "2013-02", "PROMOTE")
    with (
        pytest.raises(DBAPIError, match=r"the ledger is append-only|null value in column"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))
    assert decisions(ledger) == ["PROMOTE"]


def test_an_entry_says_everything_it_was_told(ledger):
    """What is read back is what was appended, with the wall time of recording."""
    before = datetime.now(UTC)
    assert promote(ledger, "2013-02", "PROMOTE", serves={"model_version": "3"}, reasons=["better"])
    (entry,) = ledger.entries("flights")
    assert entry == Entry(
        id=1,
        usecase="flights",
        kind="promotion",
        subject="model",
        partition="2013-02",
        decision="PROMOTE",
        effective_at=datetime(2013, 2, 1, tzinfo=UTC),
        recorded_at=entry.recorded_at,
        payload={"serves": {"model_version": "3"}, "reasons": ["better"]},
        run_id="r",
        code_version="c",
    )
    assert abs((entry.recorded_at - before).total_seconds()) < 60


def test_the_same_decision_is_recorded_once(ledger):
    """A repeated run appends nothing, whatever its run id and the order of the payload's keys."""
    assert promote(ledger, "2013-02", "PROMOTE", a=1, b=[1, 2])
    assert not promote(ledger, "2013-02", "PROMOTE", run_id="again", b=[1, 2], a=1)
    assert promote(ledger, "2013-02", "PROMOTE", a=1, b=[2, 1])
    assert promote(ledger, "2013-03", "PROMOTE", a=1, b=[2, 1])
    assert len(ledger.entries()) == 3


def test_a_decision_that_returns_is_kept(ledger):
    """PROMOTE, HOLD, PROMOTE are three entries, and the last one holds."""
    for decision in ("PROMOTE", "PROMOTE", "HOLD", "HOLD", "PROMOTE"):
        promote(ledger, "2013-02", decision)
    assert decisions(ledger) == ["PROMOTE", "HOLD", "PROMOTE"]
    assert ledger.last("flights", "promotion", "model", partition="2013-02").decision == "PROMOTE"


def fact(partition: str, decision: str, subject: str = "model") -> Fact:
    return Fact("promotion", subject, partition, decision, start_of(partition), {"a": 1})


def test_many_facts_are_appended_as_one_by_one(ledger):
    """Of many facts those are entered that say something new, each on its own partition, in their order."""
    run = Run("flights", "promote", "r", code_version="c")
    promote(ledger, "2013-02", "PROMOTE", a=1)
    facts = [fact("2013-02", "PROMOTE"), fact("2013-03", "HOLD"), fact("2013-03", "HOLD", "other")]
    assert ledger.append_all(run, facts) == [False, True, True]
    assert ledger.append_all(run, facts) == [False, False, False]
    assert ledger.append_all(run, [fact("2013-02", "HOLD"), fact("2013-03", "PROMOTE")]) == [True, True]
    assert ledger.append_all(run, [fact("2013-02", "PROMOTE")]) == [True]
    assert not promote(ledger, "2013-02", "PROMOTE", a=1)
    found = [(entry.partition, entry.decision) for entry in ledger.entries(subject="model")]
    assert found == [
        ("2013-02", "PROMOTE"),
        ("2013-02", "HOLD"),
        ("2013-02", "PROMOTE"),
        ("2013-03", "HOLD"),
        ("2013-03", "PROMOTE"),
    ]
    assert ledger.append_all(run, []) == []


def test_two_facts_on_one_thing_are_refused(ledger):
    """Facts of one call have no order among themselves, so none may follow another on the same partition."""
    run = Run("flights", "promote", "r", code_version="c")
    with pytest.raises(ValueError, match="2 facts speak of 1"):
        ledger.append_all(run, [fact("2013-02", "PROMOTE"), fact("2013-02", "HOLD")])
    assert decisions(ledger) == []


def test_writers_of_many_facts_enter_each_once(ledger):
    """Writers that bring the same facts at once, in any order, neither wait for ever nor enter one twice."""
    run = Run("flights", "promote", "r", code_version="c")
    facts = [fact(f"2013-{month:02d}", "HOLD") for month in range(1, 13)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda turn: ledger.append_all(run, facts[turn:] + facts[:turn]), range(4)))
    assert sum(map(sum, found)) == 12
    assert len(ledger.entries("flights")) == 12


def test_the_fold_is_by_logical_time(ledger):
    """As of a time, what took effect by then holds, in whatever order it was recorded."""
    promote(ledger, "2013-04", "PROMOTE", v=4)
    promote(ledger, "2013-02", "PROMOTE", v=2)
    promote(ledger, "2013-03", "HOLD", v=3)

    def as_of(day: str) -> int | None:
        entry = ledger.last("flights", "promotion", "model", as_of=start_of(day))
        return entry.payload["v"] if entry else None

    assert [as_of(day) for day in ("2013-01-31", "2013-02-01", "2013-03-31", "2013-04-01")] == [None, 2, 3, 4]
    assert [entry.payload["v"] for entry in ledger.entries("flights", as_of=start_of("2013-03-15"))] == [2, 3]


def test_subjects_kinds_and_use_cases_are_apart(ledger):
    """An entry of another use case, kind, subject or partition never stands in for one's own."""
    promote(ledger, "2013-02", "PROMOTE")
    assert ledger.last("weather", "promotion", "model") is None
    assert ledger.last("flights", "candidate", "model") is None
    assert ledger.last("flights", "promotion", "other") is None
    assert ledger.last("flights", "promotion", "model", partition="2013-03") is None
    assert len(ledger.entries(kind="promotion", subject="model", partition="2013-02")) == 1


def test_what_json_lacks_is_recorded_in_its_terms(ledger):
    """A metric that is not a number, or a NUL from a broken file, stops no decision from being recorded."""
    assert promote(ledger, "2013-02", "HOLD", auc=math.nan, gain=[math.inf], seen="a\x00b", at=start_of("2013-01-05"))
    assert not promote(
        ledger, "2013-02", "HOLD", auc=math.nan, gain=[math.inf], seen="a\x00b", at=start_of("2013-01-05")
    )
    (entry,) = ledger.entries()
    assert entry.payload == {"auc": None, "gain": [None], "seen": "a\ufffdb", "at": "2013-01-05 00:00:00+00:00"}


def test_creating_it_twice_at_once_keeps_it(ledger, engine):
    """Servers that start side by side create the ledger once and lose no entry."""
    promote(ledger, "2013-02", "PROMOTE")
    at_once(8, lambda _: Ledger(engine).create())
    assert decisions(ledger) == ["PROMOTE"]


def test_writers_at_once_record_a_decision_once_each(ledger):
    """Eight writers that say the same at the same moment make one entry; eight that differ make eight."""
    same: list[bool] = []
    at_once(8, lambda _: same.append(promote(ledger, "2013-02", "PROMOTE", v=1)))
    at_once(8, lambda n: promote(ledger, "2013-03", "PROMOTE", v=n))
    assert sorted(same) == [False] * 7 + [True]
    assert len(ledger.entries(partition="2013-02")) == 1
    assert sorted(entry.payload["v"] for entry in ledger.entries(partition="2013-03")) == list(range(8))


def at_once(count: int, act: Callable[[int], object]) -> None:
    """Run the act in threads that start together; raise what goes wrong in one of them."""
    barrier = threading.Barrier(count)

    def body(number: int) -> None:
        barrier.wait()
        act(number)

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(body, number) for number in range(count)]:
            future.result()


def test_the_table_is_indexed_for_the_fold():
    """The fold by use case, kind, subject and logical time is one index."""
    assert [column.name for column in next(iter(LEDGER.indexes)).columns] == [
        "usecase",
        "kind",
        "subject",
        "effective_at",
        "id",
    ]
