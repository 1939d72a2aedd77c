"""`python -m catena.cli` is `catena`, for whoever starts it with an interpreter of their choice."""

from __future__ import annotations

from catena.cli.app import main

main()
