"""The lake: declared Delta tables, atomic partition writes, time travel, identities of content."""

from catena.lake.archive import Archive, ArchiveDamaged
from catena.lake.commit import WHOLE, VersionGone, WriteFailed, Written
from catena.lake.content import combined_identity, content_digests, content_identity, identity_of
from catena.lake.events import EventTable, Position
from catena.lake.evolution import add_columns
from catena.lake.lake import CommitConflict, Lake, UndeclaredChange
from catena.lake.schema import SchemaMismatch, arrow_schema, conform
from catena.lake.standard import HEALTH, PREDICTIONS, QUARANTINE, lake_tables
from catena.lake.upkeep import Plan, Upkept, maintain_table

__all__ = [
    "HEALTH",
    "PREDICTIONS",
    "QUARANTINE",
    "WHOLE",
    "Archive",
    "ArchiveDamaged",
    "CommitConflict",
    "EventTable",
    "Lake",
    "Plan",
    "Position",
    "SchemaMismatch",
    "UndeclaredChange",
    "Upkept",
    "VersionGone",
    "WriteFailed",
    "Written",
    "add_columns",
    "arrow_schema",
    "combined_identity",
    "conform",
    "content_digests",
    "content_identity",
    "identity_of",
    "lake_tables",
    "maintain_table",
]
