"""How many threads numbers are worked out with: one, so that sums come in one order on every machine.

Many tasks run side by side, so more threads would gain nothing (docs/decisions/011).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

# Recorded with each version, and what a replay takes again.
THREADS = 1


@contextmanager
def fixed_threads(threads: int = THREADS) -> Iterator[None]:
    """Let OpenMP and BLAS work with so many threads, whatever the environment says."""
    with threadpool_limits(limits=threads):
        yield
