"""The ledger: append-only entries of what was decided, and the fold of them as of a time.

What decides (gates, contracts) belongs in the links; they only write here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    Identity,
    Index,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from catena.lake.content import identity_of
from catena.run import Run

Kind = Literal[
    "quality", "dataset", "candidate", "proof", "promotion", "rollback", "release", "report", "health", "note",
    "reconciliation", "exploration", "approval", "shadow", "selection", "search", "staleness", "transfer", "alarm",
    "code_release", "backtest", "replay", "score-card", "drill", "cost",
]  # fmt: skip

METADATA = MetaData()
LEDGER = Table(
    "ledger",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("usecase", String(60), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("partition", String(64), nullable=False),
    Column("decision", String(30), nullable=False),
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("payload", JSONB, nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("code_version", String(60), nullable=False),
    Column("entry_key", BigInteger, nullable=False),
    UniqueConstraint("usecase", "entry_key", name="ledger_entry_once"),
    Index("ledger_fold", "usecase", "kind", "subject", "effective_at", "id"),
)

# Each fact takes a lock; PostgreSQL holds a few thousand at a time.
_BATCH = 500
_APPEND_ONLY = """
CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP; END $$;
CREATE OR REPLACE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
"""


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        subject: what the entry speaks of: a dataset, a model, a report.
        effective_at: logical time, from which the entry holds.
        recorded_at: wall time.
    """

    id: int
    usecase: str
    kind: Kind
    subject: str
    partition: str
    decision: str
    effective_at: datetime
    recorded_at: datetime
    payload: dict[str, Any]
    run_id: str
    code_version: str


@dataclass(frozen=True)
class Fact:
    """What is to be entered; see `Entry`."""

    kind: Kind
    subject: str
    partition: str
    decision: str
    effective_at: datetime
    payload: Mapping[str, Any]

    @property
    def about(self) -> tuple[str, str, str]:
        """What the fact speaks of."""
        return self.kind, self.subject, self.partition


class Ledger:
    """Appends entries and folds them, in PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self) -> None:
        """Create the table and the trigger that keeps it append-only, where they are missing."""
        with self._engine.begin() as connection:
            # Two processes may start at once: the lock makes 'create if missing' safe.
            connection.execute(text("SELECT pg_advisory_xact_lock(20130101)"))
            METADATA.create_all(connection)
            connection.execute(text(_APPEND_ONLY))

    def append(
        self,
        run: Run,
        *,
        kind: Kind,
        subject: str,
        partition: str,
        decision: str,
        effective_at: datetime,
        payload: Mapping[str, Any],
    ) -> bool:
        """Append an entry unless the last one on its subject and partition says the same; return whether it did.

        Args:
            payload: facts behind the decision; part of what 'the same' means. What JSON lacks is put in its terms:
                NaN and infinity become null, a NUL character becomes U+FFFD.
        """
        fact = Fact(kind, subject, partition, decision, effective_at, payload)
        return self.append_all(run, [fact])[0]

    def append_all(self, run: Run, facts: Sequence[Fact]) -> list[bool]:
        """Append facts as `append` does, many in one transaction; return for each whether it made an entry.

        Raises:
            ValueError: two facts speak of the same kind, subject and partition.
        """
        return [is_new for at in range(0, len(facts), _BATCH) for is_new in self._append(run, facts[at : at + _BATCH])]

    def _append(self, run: Run, facts: Sequence[Fact]) -> list[bool]:
        locks = {fact.about: identity_of([run.usecase, *fact.about]) for fact in facts}
        if len(locks) < len(facts):
            raise ValueError(f"{len(facts)} facts speak of {len(locks)} kinds, subjects and partitions; one each")
        payloads = [_as_json(fact.payload) for fact in facts]
        rows: list[dict[str, Any]] = []
        news: list[bool] = []
        with self._engine.begin() as connection:
            # All take their locks in one order, so that two writers of many facts never wait for each other.
            connection.execute(
                text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"),
                {"keys": sorted(locks.values())},
            )
            last = _last_on(connection, run.usecase, list(locks))
            for fact, clean in zip(facts, payloads, strict=True):
                before = last.get(fact.about)
                same = before and (before.decision, before.payload, before.effective_at)
                news.append(same != (fact.decision, clean, fact.effective_at))
                if news[-1]:
                    # The key names the predecessor, so that a fact may return after another one (A, B, A).
                    said = [fact.decision, fact.effective_at.isoformat(), clean, before.id if before else 0]
                    rows.append(
                        {
                            **{name: getattr(fact, name) for name in Fact.__dataclass_fields__},
                            "payload": clean,
                            "usecase": run.usecase,
                            "run_id": run.run_id,
                            "code_version": run.code_version,
                            "entry_key": identity_of([locks[fact.about], *said]),
                        }
                    )
            if rows:
                connection.execute(insert(LEDGER).on_conflict_do_nothing(constraint="ledger_entry_once"), rows)
        return news

    def entries(
        self,
        usecase: str | None = None,
        *,
        kind: Kind | None = None,
        subject: str | None = None,
        partition: str | None = None,
        as_of: datetime | None = None,
    ) -> list[Entry]:
        """Return the entries that match, in logical order, then in the order of recording.

        Args:
            as_of: only entries that took effect at or before this logical time.
        """
        query = select(*(LEDGER.c[name] for name in Entry.__dataclass_fields__))
        for column, value in (("usecase", usecase), ("kind", kind), ("subject", subject), ("partition", partition)):
            if value is not None:
                query = query.where(LEDGER.c[column] == value)
        if as_of is not None:
            query = query.where(LEDGER.c.effective_at <= as_of)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(LEDGER.c.effective_at, LEDGER.c.id)).all()
        return [Entry(**row._asdict()) for row in rows]

    def last(
        self, usecase: str, kind: Kind, subject: str, *, partition: str | None = None, as_of: datetime | None = None
    ) -> Entry | None:
        """Return the entry that holds: the newest by logical time, then by recording; None where there is none."""
        found = self.entries(usecase, kind=kind, subject=subject, partition=partition, as_of=as_of)
        return found[-1] if found else None


def _last_on(
    connection: Connection, usecase: str, about: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], Any]:
    """Return the last entry on each of these, where there is one."""
    names = [LEDGER.c[name] for name in ("kind", "subject", "partition")]
    newest = (
        select(func.max(LEDGER.c.id)).where(LEDGER.c.usecase == usecase, tuple_(*names).in_(about)).group_by(*names)
    )
    found = connection.execute(
        select(*names, LEDGER.c.id, LEDGER.c.decision, LEDGER.c.payload, LEDGER.c.effective_at).where(
            LEDGER.c.id.in_(newest)
        )
    )
    return {(row.kind, row.subject, row.partition): row for row in found}


def _as_json(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload as PostgreSQL's JSON can hold it: without NaN, infinity and NUL."""
    text = json.dumps(dict(payload), default=str)
    found: dict[str, Any] = json.loads(text)
    # Python writes what JSON lacks by these names, and NUL by its number: without them there is nothing to replace.
    return _replaced(found) if any(word in text for word in ("NaN", "Infinity", "\\u0000")) else found


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
