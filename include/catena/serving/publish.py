"""Publishes predictions for applications and BI: one PostgreSQL table, one transaction a partition.

The lake keeps every revision; the published table holds the current one. Publishing is idempotent: a marker, written in
the same transaction, says which content of a partition stands there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Double,
    Engine,
    Index,
    MetaData,
    String,
    Table,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert

METADATA = MetaData()
PREDICTIONS = Table(
    "predictions",
    METADATA,
    Column("usecase", String(60), primary_key=True),
    Column("entity", String(200), primary_key=True),
    Column("partition", String(64), nullable=False),
    Column("decision_at", DateTime(timezone=True), nullable=False),
    Column("score", Double, nullable=False),
    Column("model_version", String(120), nullable=False),
    Column("model_role", String(30), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("features_version", BigInteger, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("predictions_by_partition", "usecase", "partition"),
)
PUBLISHED = Table(
    "published_partitions",
    METADATA,
    Column("usecase", String(60), primary_key=True),
    Column("partition", String(64), primary_key=True),
    Column("content", BigInteger, nullable=False),
)
_VALUES = ("entity", "decision_at", "score", "model_version", "model_role", "revision", "features_version")
# One statement for all rows of a partition: PostgreSQL unfolds arrays, so that nothing is sent row by row.
_UPSERT = text("""
    INSERT INTO predictions (usecase, partition, entity, decision_at, score, model_version, model_role, revision,
                             features_version)
    SELECT :usecase, :partition, rows.*
    FROM unnest(CAST(:entity AS text[]), CAST(:decision_at AS timestamptz[]), CAST(:score AS float8[]),
                CAST(:model_version AS text[]), CAST(:model_role AS text[]), CAST(:revision AS int8[]),
                CAST(:features_version AS int8[])) AS rows
    ON CONFLICT (usecase, entity) DO UPDATE SET
        partition = EXCLUDED.partition, decision_at = EXCLUDED.decision_at, score = EXCLUDED.score,
        model_version = EXCLUDED.model_version, model_role = EXCLUDED.model_role, revision = EXCLUDED.revision,
        features_version = EXCLUDED.features_version, published_at = clock_timestamp()
""")
_REMOVE_GONE = text(
    "DELETE FROM predictions WHERE usecase = :usecase AND partition = :partition AND NOT entity = ANY(:entity)"
)


@cache
def create_tables(engine: Engine) -> None:
    """Create the published tables where they are missing; once for each engine."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(20130102)"))
        METADATA.create_all(connection)


def published_contents(engine: Engine, usecase: str, partitions: Sequence[str]) -> dict[str, int]:
    """Return which content of each partition is published; partitions that never were are left out."""
    query = select(PUBLISHED.c.partition, PUBLISHED.c.content).where(
        PUBLISHED.c.usecase == usecase, PUBLISHED.c.partition.in_(list(partitions))
    )
    with engine.connect() as connection:
        return {row.partition: row.content for row in connection.execute(query)}


def publish_partition(engine: Engine, usecase: str, partition: str, rows: pa.Table, content: int) -> None:
    """Make the published rows of a partition those given, in one transaction.

    Args:
        rows: the current revision, one row for each entity; what else stood there goes.
        content: identity of the partition's content in the lake.
    """
    with engine.begin() as connection:
        _replace(connection, usecase, partition, {name: rows[name].to_pylist() for name in _VALUES})
        marker = insert(PUBLISHED).values(usecase=usecase, partition=partition, content=content)
        connection.execute(marker.on_conflict_do_update(
            index_elements=["usecase", "partition"], set_={"content": marker.excluded.content}
        ))  # fmt: skip


def _replace(connection: Connection, usecase: str, partition: str, values: Mapping[str, list[object]]) -> None:
    where = {"usecase": usecase, "partition": partition}
    connection.execute(_REMOVE_GONE, {**where, "entity": values["entity"]})
    if values["entity"]:
        connection.execute(_UPSERT, {**where, **values})
