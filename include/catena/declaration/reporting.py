"""What a report speaks of, and in which words."""

from __future__ import annotations

from catena.declaration.tables import Declared, Name


class Reference(Declared):
    """Where the readable names of a column's values stand: an unpartitioned table, its key and its names."""

    column: Name
    table: Name
    key: Name
    name: Name


class Amount(Declared):
    """An SQL aggregate over the outcome table, shown by month and dimension."""

    name: Name
    label: str
    unit: str
    sql: str


class Report(Declared):
    """What the monthly report speaks of, and in which words."""

    title: str
    entity_plural: str
    """What is scored, as in 'flights'."""
    event: str
    """What the model predicts, as a noun: 'late arrivals', 'highest temperature'."""
    dimensions: tuple[Name, ...]
    """Columns of the feature table by which the month is broken down."""
    names: tuple[Reference, ...] = ()
    amounts: tuple[Amount, ...] = ()
