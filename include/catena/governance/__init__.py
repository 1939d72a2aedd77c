"""Governance: the append-only ledger of decisions."""

from catena.governance.ledger import Entry, Fact, Kind, Ledger

__all__ = ["Entry", "Fact", "Kind", "Ledger"]
