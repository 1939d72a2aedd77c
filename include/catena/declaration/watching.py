"""What is measured of each day, and which measures alert."""

from __future__ import annotations

from catena.declaration.tables import Declared, Name


class Limit(Declared):
    """A limit whose crossing is an alert: on a measure of the `health` table, over all rows (no slice)."""

    measure: Name
    is_trailing: bool = True
    """True: over the trailing window; False: of the day alone."""
    minimum: float | None = None
    maximum: float | None = None
    reason: str
    """One sentence for the person who is alerted."""


class Monitoring(Declared):
    """What is watched each day."""

    trailing_days: int = 28
    maximum_psi: float = 0.25
    """Population stability index of the trailing window beyond which a watched column is an alert."""
    drift_columns: tuple[Name, ...] = ()
    """Features whose drift is an alert; the others are measured only (seasons drift without meaning trouble)."""
    limits: tuple[Limit, ...] = ()
    minimum_rows: int = 100
    """Measures that rest on fewer rows never alert."""
