"""One writer at a time for a named piece of work, across processes and machines, by PostgreSQL's advisory locks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine, text

from catena.lake import identity_of


@contextmanager
def exclusively(engine: Engine, *work: Sequence[str]) -> Iterator[None]:
    """Hold the locks of all named pieces of work; they fall with the process, so that nothing stays locked.

    Args:
        work: names of each piece, such as `("flight_delays", "train")`.
    """
    # In one order for all, so that no two wait for each other.
    keys = sorted(identity_of(list(names)) for names in work)
    with engine.begin() as connection:
        for key in keys:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield
