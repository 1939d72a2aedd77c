"""The `catena` command. One module per group of commands; what they do belongs in the library.

Exit codes: 0 done, 1 work failed, 2 wrong usage, 3 not running. With `--json`, standard output holds JSON only.
"""

from __future__ import annotations

from catena.cli.app import main

__all__ = ["main"]
