"""Who runs a link, and what came of it: the two small records that every link takes and returns.

How a link does its work belongs in `catena.chain`.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any, Literal

from catena import __version__

Status = Literal["published", "unchanged", "skipped"]


@cache
def code_version() -> str:
    """Return the release and a digest of the library's and the use cases' source, as `0.1.0+1a2b3c4d5e6f`."""
    digest = hashlib.sha256()
    include = Path(__file__).resolve().parents[1]
    for package in ("catena", "usecases"):
        for file in sorted((include / package).rglob("*")):
            if file.suffix in {".py", ".sql", ".html", ".json"}:
                digest.update(file.relative_to(include).as_posix().encode())
                digest.update(file.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Run:
    """One execution of a link, as recorded on commits and ledger entries."""

    usecase: str
    link: str
    run_id: str
    try_number: int = 1
    code_version: str = field(default_factory=code_version)
    started_cpu_s: float = field(default_factory=process_time, compare=False, repr=False)
    """CPU time of the process when the run began, so that commits can say what it cost up to them."""

    @property
    def cpu_s(self) -> float:
        """CPU seconds that this process has spent since the run began."""
        return round(process_time() - self.started_cpu_s, 3)


@dataclass(frozen=True)
class Accounting:
    """Rows of one commit: `rows_in == rows_published + rows_quarantined`."""

    rows_in: int
    rows_published: int
    rows_quarantined: int

    def __post_init__(self) -> None:
        if self.rows_in != self.rows_published + self.rows_quarantined:
            raise RowsLost(
                f"{self.rows_in} rows came in, but {self.rows_published} were published "
                f"and {self.rows_quarantined} quarantined"
            )


class RowsLost(RuntimeError):
    """Rows came in that were neither published nor quarantined."""


@dataclass(frozen=True)
class Outcome:
    """What a link did for a partition.

    Attributes:
        status: `published` where a table changed, `unchanged` where the same content stood there already, `skipped`
            where nothing was to do or inputs are not there yet.
        reason: one sentence for the log.
        partitions: the partitions whose change downstream must hear of, in order.
        versions: table name -> Delta version after this run.
        details: small JSON for the asset event and the log (counts, metrics, verdict, paths of pages).
    """

    status: Status
    reason: str
    partitions: tuple[str, ...] = ()
    versions: dict[str, int] = field(default_factory=dict)
    accounting: Accounting | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON-ready values."""
        return asdict(self)
