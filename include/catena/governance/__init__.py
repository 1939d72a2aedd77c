"""Governance: the append-only ledger of decisions."""

from catena.governance.ledger import Entry, Kind, Ledger

__all__ = ["Entry", "Kind", "Ledger"]
