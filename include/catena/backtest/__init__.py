"""Backfill is backtest: lets policies live through past days, each in an installation of its own, and compares them.

The links do the work; what they do belongs in `catena.chain`.
"""
