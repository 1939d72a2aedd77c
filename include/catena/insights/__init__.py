"""Insights: the questions that analysts and reports ask of the lake and the ledger, as SQL that can be asked again."""

from catena.insights.query import LEDGER, Query, Source, ask

__all__ = ["LEDGER", "Query", "Source", "ask"]
