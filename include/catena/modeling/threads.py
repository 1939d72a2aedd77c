"""How many threads numbers are worked out with: one, so that sums come in one order on every machine.

Many tasks run side by side, so more threads would gain nothing (docs/decisions/011).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

# Recorded with each version, and what a replay takes again.
THREADS = 1


@contextmanager
def fixed_threads(threads: int = THREADS) -> Iterator[None]:
    """Let OpenMP and BLAS work with so many threads, whatever the environment says."""
    with _libraries(len(sys.modules)).limit(limits=threads):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Return the loaded libraries that work in threads: a look takes 8 ms, and a new one comes with a new module."""
    return ThreadpoolController()
